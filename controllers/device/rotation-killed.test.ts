// test-deadline: 600
// test-slow
// A rotation by a process that is killed with SIGKILL at each change that it makes, at the BMC and at the API server, before it
// takes hold and after; and finished by another process. The steps are those of an undisturbed run.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SECRETS } from '../../lib/api/resources.ts';
import type { BmcError } from '../../lib/bmc/errors.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { ApiError } from '../../lib/kube/errors.ts';
import { LAB_ADMIN, type Lab, PATIENT, withSimulatedBmc } from '../../lib/sim/bmc/lab.ts';
import type { Interruption } from '../../lib/sim/bmc/state.ts';
import { startCluster, type TestCluster } from '../../lib/testing/cluster.ts';
import { startScriptedServer } from '../../lib/testing/scripted-server.ts';
import { NEXT } from './rotation.ts';

const PROCESS = new URL('rotation-process.ts', import.meta.url).pathname;
const decode = (text: string) => Buffer.from(text, 'base64').toString();

const PROTOCOLS = {
  ipmi: {
    address: ({ port }: Lab) => `ipmi://127.0.0.1:${port}`,
    open: (lab: Lab, password: string) => lab.open({ ...LAB_ADMIN, password }, PATIENT),
  },
  redfish: {
    address: ({ redfishPort }: Lab) => `redfish+http://127.0.0.1:${redfishPort}`,
    open: (lab: Lab, password: string) => lab.openRedfish({ ...LAB_ADMIN, password }),
  },
};
type Protocol = keyof typeof PROTOCOLS;

/** Requests that leave something behind, by what they are called; of IPMI's commands only these do in a rotation. */
const IPMI_CHANGES: Readonly<Record<string, string>> = {
  rakp3: 'log in',
  '06h 47h': 'set the password',
  '06h 3ch': 'log out',
};
function changeOf(request: string): string | undefined {
  if (/^PATCH .*\/secrets\//.test(request)) return 'write the Secret';
  return /^(POST|PATCH|DELETE) /.test(request) ? request.replace(/\/\d+$/, '') : IPMI_CHANGES[request];
}

interface Moment {
  /** Number of the change, from 0 on. */
  readonly change: number;
  readonly when: 'before' | 'after';
}

/** The process under way, the changes that it has made, and the moment to kill it at. */
class Victim {
  readonly changes: string[] = [];
  readonly #moment: Moment | undefined;
  process: ChildProcess | undefined;

  constructor(moment?: Moment) {
    this.#moment = moment;
  }

  readonly interrupted: Interruption = (request, when) => {
    const change = changeOf(request);
    if (change === undefined || !this.process) return false;
    if (when === 'before') this.changes.push(change);
    const isNow = this.changes.length - 1 === this.#moment?.change && when === this.#moment.when;
    if (isNow) this.process.kill('SIGKILL');
    // What a dead process had sent before may still arrive. No answer reaches it.
    return isNow || this.process.killed;
  };
}

/** The API server, with the victim's changes noticed on the way. */
function gate(client: KubeClient, victim: Victim) {
  return startScriptedServer(async ({ method, path, body, headers }, answer) => {
    const request = `${method} ${path}`;
    if (victim.interrupted(request, 'before')) return answer.reset();
    try {
      const json = await client.raw({
        method: method as 'GET',
        path,
        body: body === '' ? undefined : JSON.parse(body),
        contentType: headers['content-type'],
      });
      if (victim.interrupted(request, 'after')) return answer.reset();
      return answer.json(json);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return answer.fail(error.status, error.reason);
    }
  });
}

async function opens(lab: Lab, protocol: Protocol, password: string): Promise<boolean> {
  const driver = PROTOCOLS[protocol].open(lab, password);
  try {
    await driver.power(AbortSignal.timeout(60_000));
    return true;
  } catch (error) {
    assert.is((error as BmcError).code, 'credentials', String(error));
    return false;
  } finally {
    await driver.close();
  }
}

/** What a process printed; undefined when it was killed. */
async function run(kubeconfig: string, flags: Record<string, string>, victim: Victim): Promise<unknown> {
  const args = Object.entries({ kubeconfig, ...flags }).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [PROCESS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  victim.process = child;
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  victim.process = undefined;
  const [output, errors] = await outputs;
  if (signal === 'SIGKILL') return undefined;
  assert.is(code, 0, errors);
  return (JSON.parse(output) as { result: unknown }).result;
}

async function secretOf({ client, namespace }: TestCluster, name: string) {
  const { data = {} } = await client.get(SECRETS, { namespace, name });
  return { password: decode(data['password']!), next: data[NEXT] === undefined ? undefined : decode(data[NEXT]) };
}

/** One rotation, killed at that moment, and finished. The changes of the process that was killed, or else went through. */
async function rotation(cluster: TestCluster, protocol: Protocol, name: string, moment?: Moment): Promise<string[]> {
  const { client, namespace } = cluster;
  const victim = new Victim(moment);
  // No more sessions than BMCs have: a process that is killed leaves its own open.
  const options = { sessionLimit: 4, interrupted: victim.interrupted };
  await withSimulatedBmc(async (lab) => {
    const data = { username: LAB_ADMIN.username, password: LAB_ADMIN.password };
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      data: Object.fromEntries(encoded),
    };
    await client.create(SECRETS, secret);
    await using server = await gate(client, victim);
    const flags = { namespace, secret: name, address: PROTOCOLS[protocol].address(lab), request: 'once' };
    const first = await run(server.kubeconfig, flags, victim);
    if (moment) {
      assert.is(first, undefined, 'it should have been killed');
      const told = `${protocol}, killed ${moment.when} ${victim.changes[moment.change]}`;
      const { password, next } = await secretOf(cluster, name);
      const known = [password, ...(next === undefined ? [] : [next])];
      const opening = [];
      for (const each of known) opening.push(await opens(lab, protocol, each));
      assert.ok(opening.includes(true), `${told}: a password in the Secret opens the BMC`);
      if (next !== undefined) assert.is(password, LAB_ADMIN.password, `${told}: the old one is not forgotten yet`);
      assert.is(await run(server.kubeconfig, flags, victim), 'Succeeded', told);
    } else {
      assert.is(first, 'Succeeded');
    }
    const { password, next } = await secretOf(cluster, name);
    assert.is(next, undefined);
    assert.is(await opens(lab, protocol, password), true);
    assert.is(await opens(lab, protocol, LAB_ADMIN.password), false, 'the old one is worth nothing any more');
  }, options);
  return victim.changes;
}

/** Rotations at a time: much of each is waiting for a process to start. */
const LANES = 2;

for (const protocol of ['ipmi', 'redfish'] as const) {
  test(`${protocol}: killed before and after each change, nobody is locked out and another process finishes`, async () => {
    await using cluster = await startCluster();
    const changes = await rotation(cluster, protocol, `${protocol}-undisturbed`);
    assert.ok(changes.length >= 6, changes.join(', '));
    const moments: Moment[] = changes.flatMap((_, change) => [
      { change, when: 'before' },
      { change, when: 'after' },
    ]);
    let next = 0;
    const lane = async () => {
      for (let at = next++; at < moments.length; at = next++) {
        const { change } = moments[at]!;
        const made = await rotation(cluster, protocol, `${protocol}-${at}`, moments[at]);
        assert.equal(made.slice(0, change + 1), changes.slice(0, change + 1));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
}

test.run();
