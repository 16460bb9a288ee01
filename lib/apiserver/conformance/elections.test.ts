// Leader election by client-go's own elector, which is in kube-scheduler 1.20 (KUBEBUILDER_ASSETS names the folder that it is
// in): its Leases, written as protobuf, are held here and taken over when their holder is killed.
//
// That scheduler stands for election only when all its informers have a first list, and most of what it watches is not served
// here. A proxy before the server gives it empty lists of that; everything else passes through.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kubeconfig, readKubeconfig } from '../certs/kubeconfig.ts';
import { asText, at, type JsonObject } from '../json.ts';
import { type ApiServer, startApiServer } from '../server.ts';
import { Client } from './client.ts';

const assets = process.env['KUBEBUILDER_ASSETS'];
const SCHEDULER = join(assets ?? '', 'kube-scheduler');
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const TIMES = [
  '--leader-elect-lease-duration=3s',
  '--leader-elect-renew-deadline=2s',
  '--leader-elect-retry-period=500ms',
];

/** What the scheduler lists beside what is served. */
const EMPTY: { readonly [path: string]: string } = {
  '/api/v1/pods': 'PodList',
  '/api/v1/services': 'ServiceList',
  '/api/v1/replicationcontrollers': 'ReplicationControllerList',
  '/api/v1/persistentvolumes': 'PersistentVolumeList',
  '/api/v1/persistentvolumeclaims': 'PersistentVolumeClaimList',
  '/apis/apps/v1/replicasets': 'ReplicaSetList',
  '/apis/apps/v1/statefulsets': 'StatefulSetList',
  '/apis/policy/v1beta1/poddisruptionbudgets': 'PodDisruptionBudgetList',
  '/apis/storage.k8s.io/v1/storageclasses': 'StorageClassList',
  '/apis/storage.k8s.io/v1/csinodes': 'CSINodeList',
};

function answerEmpty(path: string, kind: string, watch: boolean, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  // A watch of nothing stays open until the client leaves.
  if (watch) return;
  const apiVersion = path.replace(/^\/apis?\//, '').replace(/\/[^/]+$/, '');
  response.end(JSON.stringify({ kind, apiVersion, metadata: { resourceVersion: '1' }, items: [] }));
}

/** Starts the proxy. @returns a kubeconfig for it, and how to stop it */
async function startProxy(server: ApiServer, dir: string): Promise<{ kubeconfig: string; close: () => Promise<void> }> {
  const access = readKubeconfig(await readFile(server.kubeconfigPath, 'utf8'));
  const agent = new Agent({ keepAlive: true, ca: server.caCertificate });
  const proxy = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, server.url);
    const kind = EMPTY[pathname];
    if (kind) {
      answerEmpty(pathname, kind, searchParams.has('watch'), response);
      return;
    }
    const headers = { ...request.headers, host: new URL(server.url).host, authorization: `Bearer ${access.token}` };
    const onward = httpsRequest(new URL(request.url!, server.url), { method: request.method, agent, headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const path = join(dir, 'proxy.kubeconfig');
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  await writeFile(path, kubeconfig({ ...access, server: url }), { mode: 0o600 });
  return {
    kubeconfig: path,
    close: async () => {
      agent.destroy();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

interface Candidate {
  readonly child: ChildProcess;
  /** Settles when the scheduler has said so. @throws Error when it ends without */
  readonly said: (text: string) => Promise<void>;
}

function stand(config: string): Candidate {
  const flags = ['--kubeconfig', config, '--leader-elect', ...TIMES, '--port=0', '--secure-port=0', '--v=2'];
  const child = spawn(SCHEDULER, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  const told = new EventEmitter();
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    told.emit('more');
  });
  child.once('close', () => told.emit('more'));
  const said = async (text: string) => {
    while (!output.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended without "${text}":\n${output}`);
      await once(told, 'more');
    }
  };
  return { child, said };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const ACQUIRED = 'successfully acquired lease kube-system/kube-scheduler';
const WAITING = 'attempting to acquire leader lease';
const name = "client-go's elector holds a Lease, and another takes it over when it is killed";
const wanted = assets !== undefined;

async function election(): Promise<void> {
  assert.ok(existsSync(SCHEDULER), `KUBEBUILDER_ASSETS has no kube-scheduler: ${SCHEDULER}`);
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-elections-'));
  const server = await startApiServer({ dir });
  const client = new Client(server.kubeconfigPath);
  const proxy = await startProxy(server, dir);
  const candidates: Candidate[] = [];
  const candidate = () => {
    const made = stand(proxy.kubeconfig);
    candidates.push(made);
    return made;
  };
  const lease = async () => {
    const { body } = await client.get(`${LEASES}/kube-scheduler`);
    const spec = at(body, ['spec']) as JsonObject;
    return {
      holder: asText(spec['holderIdentity']),
      transitions: Number(spec['leaseTransitions']),
      renewed: asText(spec['renewTime']),
    };
  };
  try {
    const first = candidate();
    await first.said(ACQUIRED);
    const before = await lease();
    assert.match(before.renewed, /\.\d{6}Z$/);
    const second = candidate();
    await second.said(WAITING);
    // It is renewed, while the other waits.
    const { body } = await client.get(LEASES);
    const watch = await client.watch(
      `${LEASES}?watch=1&resourceVersion=${asText(at(body, ['metadata', 'resourceVersion']))}`,
    );
    const renewal = await watch.next();
    watch.close();
    assert.is(asText(at(renewal!.object, ['spec', 'holderIdentity'])), before.holder);
    await kill(first.child);
    await second.said(ACQUIRED);
    const after = await lease();
    assert.is.not(after.holder, before.holder);
    assert.is(after.transitions, before.transitions + 1);
  } finally {
    await Promise.all(candidates.map(({ child }) => kill(child)));
    await proxy.close();
    client.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
}

if (wanted) test(name, election);
else test.skip(`${name} (KUBEBUILDER_ASSETS names no folder with kube-scheduler)`, election);

test.run();
