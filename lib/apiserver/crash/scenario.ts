// The server is killed with SIGKILL while many write and others watch: every answered write is there, whole; no revision goes back or
// comes twice; watchers, processes of their own that are killed too, miss nothing and see nothing twice.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Client } from '../conformance/client.ts';
import { asText, at, type JsonObject } from '../json.ts';

const WRITERS = 48;
const WATCHERS = 3;
const MAPS = '/api/v1/namespaces/default/configmaps';
/** The namespace has objects of its own. */
const OURS = `${MAPS}?labelSelector=ledger%3Dyes`;
/** Each of a writer's steps writes its object, but every so many delete it. */
const DELETES = 10;

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const versionOf = (object: JsonObject) => Number(at(object, ['metadata', 'resourceVersion']));
const nameOf = (object: JsonObject) => at(object, ['metadata', 'name']) as string;

async function startServer(dir: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script('../main.ts'), dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  // One that ends says why on stderr, and nothing here.
  const [line = ''] = (await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')])) as [Buffer?];
  assert.match(line.toString(), /^serving /, 'the server did not start');
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** What a writer knows of its object: the last step that was answered, its version, and a step that may have happened or not. */
interface Known {
  step: number;
  version: number;
  unanswered: number | undefined;
}

const exists = (step: number) => step % DELETES !== 0;
/** Long, and wrong when any part of it is missing. */
const content = (step: number) => ({ step: String(step), text: `${step},`.repeat(500) });

/** Takes one step after the other until the server is gone; `answered` hears of each. */
async function write(client: Client, name: string, known: Known, answered: () => void): Promise<void> {
  for (;;) {
    const step = known.step + 1;
    known.unanswered = step;
    const metadata = { name, labels: { ledger: 'yes' } };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: content(step) };
    try {
      const reply = !exists(step)
        ? await client.delete(`${MAPS}/${name}`)
        : exists(known.step)
          ? await client.put(`${MAPS}/${name}`, body)
          : await client.post(MAPS, body);
      assert.ok(reply.code === 200 || reply.code === 201, reply.text);
      const version = exists(step) ? versionOf(reply.body) : known.version;
      assert.ok(version > known.version || !exists(step), 'a resourceVersion went back');
      Object.assign(known, { step, version, unanswered: undefined });
      answered();
    } catch (error) {
      // The connection broke: the server was killed.
      if (typeof (error as NodeJS.ErrnoException).code === 'string' && (error as Error).name !== 'Assertion') return;
      throw error;
    }
  }
}

/** Holds what is there against what was answered; then it is known whether the unanswered steps happened. */
function checkAnswered(list: JsonObject, ledger: ReadonlyMap<string, Known>): void {
  const found = new Map((list['items'] as JsonObject[]).map((item) => [nameOf(item), item]));
  for (const [name, known] of ledger) {
    const item = found.get(name);
    const step = item && Number(at(item, ['data', 'step']));
    const fits = [known.step, known.unanswered].filter((candidate) => candidate !== undefined);
    const actual = fits.find((candidate) => (exists(candidate) ? candidate === step : item === undefined));
    assert.ok(actual !== undefined, `${name}: step ${known.step} was answered, ${step ?? 'nothing'} is there`);
    if (item) assert.equal(item['data'], content(step!), `${name} is there in part`);
    assert.ok(versionOf(list) >= known.version, 'the list is older than an answered write');
    Object.assign(known, { step: actual, unanswered: undefined });
  }
}

/** One watcher: what it has told so far, checked as it tells it. */
class Watcher {
  readonly state = new Map<string, string>();
  readonly #kubeconfig: string;
  readonly #events: Map<number, string>;
  #child!: ChildProcess;
  #last: number;
  #told: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param events what each version was to whoever saw it first */
  constructor(kubeconfig: string, from: number, events: Map<number, string>) {
    this.#kubeconfig = kubeconfig;
    this.#last = from;
    this.#events = events;
    this.#start();
  }

  #start(): void {
    const args = [script('./watcher.ts'), this.#kubeconfig, OURS, String(this.#last)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on('line', (line) => {
      try {
        this.#take(line);
      } catch (error) {
        this.#failure ??= error as Error;
      }
      this.#wake?.();
    });
    this.#told = once(lines, 'close').then(() => {
      this.#wake?.();
    });
  }

  #take(line: string): void {
    const [type, name, step, version] = line.split(' ') as [string, string, string, string];
    const revision = Number(version);
    assert.ok(revision > this.#last, `an event came twice or out of order: ${line} after ${this.#last}`);
    this.#last = revision;
    const first = this.#events.get(revision) ?? line;
    assert.is(line, first, 'a version was given twice, or watchers were told different things');
    this.#events.set(revision, first);
    assert.is(type === 'ADDED', !this.state.has(name), `${line}: ${this.state.get(name) ?? 'nothing'} was there`);
    if (type === 'DELETED') this.state.delete(name);
    else this.state.set(name, step);
  }

  /** Waits until it has told of everything up to the list, and holds it against that. */
  async reaches(list: JsonObject): Promise<void> {
    const items = list['items'] as JsonObject[];
    const wanted = new Map(items.map((item) => [nameOf(item), asText(at(item, ['data', 'step']))]));
    const same = () =>
      wanted.size === this.state.size && [...wanted].every(([name, step]) => this.state.get(name) === step);
    while (!same() && this.#last <= versionOf(list) && !this.#failure && this.#child.exitCode === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    assert.is(this.#child.exitCode, null, 'a watcher gave up');
    assert.equal(this.state, wanted, 'a watcher missed a change');
  }

  /** Killed as the server is; what it had told by then is what it remembers. */
  async crash(): Promise<void> {
    await this.end();
    this.#start();
  }

  async end(): Promise<void> {
    const told = this.#told;
    await end(this.#child, 'SIGKILL');
    await told;
  }
}

/** Kills the server so many times, and one watcher each time. */
export async function crashes(rounds: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-crash-'));
  const ledger = new Map<string, Known>();
  for (let index = 0; index < WRITERS; index++) ledger.set(`w${index}`, { step: 0, version: 0, unanswered: undefined });
  let server = await startServer(dir);
  const kubeconfig = join(dir, 'kubeconfig');
  let client = new Client(kubeconfig);
  const from = versionOf((await client.get(OURS)).body);
  const events = new Map<number, string>();
  const watchers = Array.from({ length: WATCHERS }, () => new Watcher(kubeconfig, from, events));
  try {
    for (let round = 0; round < rounds; round++) {
      // Enough is answered first that the kill hits writers at work, not at their start.
      let left = 200 + Math.floor(Math.random() * 300);
      const { promise: enough, resolve } = Promise.withResolvers<void>();
      const answered = () => --left === 0 && resolve();
      const writers = Promise.all([...ledger].map(([name, known]) => write(client, name, known, answered)));
      await Promise.race([enough, writers]);
      await Promise.all([end(server, 'SIGKILL'), watchers[round % WATCHERS]!.crash(), writers]);
      client.close();
      server = await startServer(dir);
      client = new Client(kubeconfig);
      const { body } = await client.get(OURS);
      checkAnswered(body, ledger);
      for (const watcher of watchers) await watcher.reaches(body);
    }
  } finally {
    client.close();
    await Promise.all([...watchers.map((watcher) => watcher.end()), end(server, 'SIGTERM')]);
    await rm(dir, { recursive: true });
  }
}
