// Shoots at a server of its own and tells what it found: an answer of 5xx, one that is no Status, a broken connection, an exit, or
// a request that took far more CPU time than any should.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../testing/random.ts';
import { type Access, readKubeconfig } from '../certs/kubeconfig.ts';
import { prepare } from '../conformance/runner.ts';
import { Target } from '../conformance/target.ts';
import { type Shot, Shots } from './shots.ts';

/** Seconds of the server's CPU time that no request may take. */
const CPU_LIMIT = 2;
const PATIENCE = 30_000;
/** Once in so many shots the CPU time is looked at. */
const LOOK = 50;

/** What the real server answers with 5xx too: nothing is wrong with ours. Each has a recorded answer, which the test looks up. */
export const AS_REAL: readonly RegExp[] = [
  // An apply with a field that the schema does not have, or of another type.
  /failed to create typed patch object/,
  // A read from a version that was never handed out (504).
  /Too large resource version/,
  // A resourceVersion that is no number, in an update or a watch.
  /strconv\.ParseUint/,
  // A strategic merge patch with an unknown $patch.
  /unknown patch type/,
  // A create of an object that has one.
  /resourceVersion should not be set on objects to be created/,
  // The scale of a custom resource that says nothing of replicas.
  /the spec replicas field .* does not exist/,
];

export interface Finding {
  readonly why: string;
  readonly shot: Shot;
}

export interface Fuzzed {
  readonly shots: number;
  /** How many answers had which status. */
  readonly codes: ReadonlyMap<number, number>;
  readonly findings: readonly Finding[];
}

interface Gun {
  readonly access: Access;
  readonly agent: Agent;
}

/** Sends one request and reads the answer. @throws Error when there is none */
async function fire({ access, agent }: Gun, shot: Shot): Promise<{ code: number; text: string }> {
  const url = new URL(access.server);
  const body = Buffer.from(shot.body, 'latin1');
  const request = httpsRequest({
    host: url.hostname,
    port: url.port,
    agent,
    method: shot.method,
    path: shot.path,
    headers: { Authorization: `Bearer ${access.token}`, 'Content-Length': body.length, ...shot.headers },
    signal: AbortSignal.timeout(PATIENCE),
  });
  request.end(body);
  const [response] = await once(request, 'response');
  return { code: response.statusCode as number, text: await readText(response) };
}

/** What is wrong with an answer, if anything. */
function judge(code: number, text: string): string | undefined {
  if (code >= 500 && !AS_REAL.some((known) => known.test(text))) return `answered ${code}: ${text.slice(0, 500)}`;
  return undefined;
}

async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Server {
  readonly gun: Gun;
  readonly child: ChildProcess;
}

async function withServer<T>(run: (server: Server) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-fuzz-'));
  const script = fileURLToPath(new URL('../main.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout!, 'data');
    const path = join(dir, 'kubeconfig');
    const target = new Target(path);
    await prepare(target);
    target.close();
    const access = readKubeconfig(await readFile(path, 'utf8'));
    const agent = new Agent({ keepAlive: true, ca: access.certificateAuthority });
    const result = await run({ gun: { access, agent }, child });
    agent.destroy();
    return result;
  } finally {
    if (child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await rm(dir, { recursive: true });
  }
}

/** One request after the other, so that what a finding is about is known. @param until asked before each */
export async function fuzz(seed: number, until: (shots: number) => boolean): Promise<Fuzzed> {
  const shots = new Shots(createRandom(seed));
  return shoot(function* () {
    for (let count = 0; !until(count); count++) yield shots.next();
  });
}

/** Sends what a finding printed once more. */
export async function replay(shot: Shot): Promise<Fuzzed> {
  return shoot(function* () {
    yield shot;
  });
}

async function shoot(load: () => Iterable<Shot>): Promise<Fuzzed> {
  return withServer(async ({ gun, child }) => {
    const codes = new Map<number, number>();
    const findings: Finding[] = [];
    let [count, used] = [0, await cpuOf(child.pid!)];
    for (const shot of load()) {
      count++;
      try {
        let { code, text } = await fire(gun, shot);
        // Why it failed is in the body, which HEAD has none of.
        if (code >= 500 && shot.method === 'HEAD') ({ code, text } = await fire(gun, { ...shot, method: 'GET' }));
        codes.set(code, (codes.get(code) ?? 0) + 1);
        const why = judge(code, text);
        if (why) findings.push({ why, shot });
      } catch (error) {
        findings.push({ why: `no answer: ${(error as Error).message}`, shot });
      }
      if (child.exitCode !== null || child.signalCode !== null) {
        findings.push({ why: 'the server has ended', shot });
        break;
      }
      if (count % LOOK !== 0) continue;
      const now = await cpuOf(child.pid!);
      if (now - used > CPU_LIMIT) findings.push({ why: `${now - used} s of CPU time within ${LOOK} requests`, shot });
      used = now;
    }
    return { shots: count, codes, findings };
  });
}
