// The installed system of a simulated machine: it reports in by its seed, as lib/boot's script does on a real one.
import { setTimeout as delay } from 'node:timers/promises';
import { load } from 'js-yaml';
import { ApiClient } from '../../agent/client.ts';
import { reason } from '../../agent/errors.ts';
import type { Log } from '../../observe/log.ts';
import type { SeedFiles, SeedReport, SystemReport } from '../../provision/protocol.ts';

export interface SystemSurroundings {
  readonly signal: AbortSignal;
  readonly retryMs: number;
  readonly random: () => number;
  readonly log: Log;
}

/** The static addresses that its seed's network gives it; undefined where there are none: whoever gives out leases decides. */
export function systemAddresses(seed: SeedFiles): string[] | undefined {
  const text = seed['network-config'];
  if (text === undefined) return undefined;
  const config = load(text) as Readonly<Record<string, unknown>>;
  const sections = ['ethernets', 'bonds', 'bridges', 'vlans'].map((name) => config[name] ?? {});
  const interfaces = sections.flatMap((section) => Object.values(section) as { addresses?: readonly string[] }[]);
  const addresses = interfaces.flatMap((one) => one.addresses ?? []).map((address) => address.split('/', 1)[0]!);
  return addresses.length > 0 ? addresses : undefined;
}

const LONGEST_GROWTH = 32;

/** Repeats the report until the operator has recorded it, or refuses it for good. @throws the signal's reason */
export async function reportIn(
  seed: SeedReport,
  report: SystemReport,
  { signal, retryMs, random, log }: SystemSurroundings,
): Promise<'recorded' | 'refused'> {
  const client = new ApiClient(seed);
  try {
    for (let growth = 1; ; growth = Math.min(growth * 2, LONGEST_GROWTH)) {
      try {
        const { status } = await client.post('/system/v1/report', report, signal, seed.token);
        if (status === 204) return 'recorded';
        if (status === 401) return 'refused';
        log.debug({ status }, 'the operator has not recorded the boot yet');
      } catch (error) {
        signal.throwIfAborted();
        log.debug({ why: reason(error) }, 'the operator cannot be reached');
      }
      await delay(retryMs * growth * (0.5 + random() / 2), undefined, { signal });
    }
  } finally {
    client.close();
  }
}
