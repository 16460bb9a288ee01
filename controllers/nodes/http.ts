// A node API over HTTP as a source, as virtflow-scheduler has one: GET gives a JSON list of nodes, with cpu in cores, memory in
// MiB and storage in GB. What the nodes say of their use is not looked at: what is free is what our ledgers leave.
import { type Listed, type Listing, type NodeSource, SourceError } from './source.ts';

const TIMEOUT_MS = 10_000;
const EVERY_MS = 10_000;
const MOST_BYTES = 32 * 2 ** 20;
const MOST_NODES = 100_000;
const MOST_PLACEMENTS = 1000;

/** Reads the body of an answer. Throws SourceError for what is no list of nodes. */
export function readNodes(body: string): Listing {
  const list = parsed(body);
  if (!Array.isArray(list)) throw new SourceError('the answer is no list of nodes');
  if (list.length > MOST_NODES) throw new SourceError(`the answer lists ${list.length} nodes; ${MOST_NODES} at most`);
  const nodes = new Map<string, Listed>();
  const unreadable = new Map<string, string>();
  for (const [index, entry] of list.entries()) {
    const node = recordIn(entry);
    const name = nameIn(node?.['name']);
    if (!node || name === undefined) throw new SourceError(`node ${index} of the answer has no name`);
    const listed = nodeIn(name, node);
    if (nodes.has(name) || unreadable.has(name)) throw new SourceError(`the answer lists ${name} twice`);
    if (typeof listed === 'string') unreadable.set(name, listed);
    else nodes.set(name, listed);
  }
  return { nodes: [...nodes.values()], unreadable };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new SourceError('the answer is no JSON', { cause: error });
  }
}

const recordIn = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;

/** A DNS subdomain (RFC 1123), as names of objects are. */
const nameIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value)
    ? value
    : undefined;

const isWhole = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

/** Or what is wrong with it. */
function nodeIn(name: string, node: Readonly<Record<string, unknown>>): Listed | string {
  const { cpu, memory, storage = 0, pool = 'default', dedicated = false, max_vms: most = 1, ip } = node;
  if (!isWhole(cpu, 1_000_000)) return 'cpu is no whole number of cores';
  if (!isWhole(memory, 2 ** 32)) return 'memory is no whole number of MiB';
  if (!isWhole(storage, 2 ** 32)) return 'storage is no whole number of GB';
  if (!isWhole(most, 2 ** 31)) return 'max_vms is no whole number';
  if (typeof pool !== 'string' || pool === '' || pool.length > 63) return 'pool is no name of a pool';
  if (typeof dedicated !== 'boolean') return 'dedicated is neither true nor false';
  if (ip !== undefined && (typeof ip !== 'string' || ip.length > 64)) return 'ip is no address';
  return {
    name,
    labels: {},
    spec: {
      pool,
      dedicated,
      resources: { cpu: String(cpu), memory: `${memory}Mi`, storage: `${storage}G` },
      maxPlacements: Math.min(most, MOST_PLACEMENTS),
      ...(typeof ip === 'string' && { address: ip }),
    },
    ready: { status: 'True', reason: 'Listed', message: 'the node API lists it' },
  };
}

/** `url`: http or https. */
export function httpNodes(url: string, everyMs = EVERY_MS): NodeSource {
  return {
    name: 'http',
    everyMs,
    wakes: [],
    async list(signal) {
      return readNodes(await fetched(url, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])));
    },
  };
}

async function fetched(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MOST_BYTES) throw new SourceError(`the answer is larger than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
    if (!response.ok) throw new SourceError(`the node API answered ${response.status}`);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new SourceError(`the node API is not reached: ${reason}`, { cause: error });
  }
}
