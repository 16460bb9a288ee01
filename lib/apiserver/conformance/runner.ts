// Runs cases against a server and gives their transcripts: what was asked, and what came back, made comparable.
import { randomBytes } from 'node:crypto';
import { load } from 'js-yaml';
import { asText, at, equal, isObject, type Json, type JsonObject } from '../json.ts';
import type { Case, Step } from './case.ts';
import type { Reply, Watch } from './client.ts';
import { Normaliser } from './normalise.ts';
import type { Target } from './target.ts';
import { CONFORMANCE_GROUP, DEFINITIONS } from './widgets.ts';

/** One step's outcome: the code, the headers that clients rely on, and the body or events. */
export type Outcome = { step: string; code: number; headers: JsonObject; body?: Json; events?: Json[]; text?: string };

const HEADERS = ['content-type', 'warning', 'retry-after'];
/** A real cluster's controllers empty one namespace after the other, those of earlier cases first. */
const PATIENCE = 120_000;
const EVENT_PATIENCE = 10_000;
const PAUSE = 50;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Replaces placeholders in all texts. */
function fill<T extends Json | undefined>(value: T, saved: ReadonlyMap<string, string>): T {
  if (typeof value === 'string') {
    let text: string = value;
    for (const [name, replacement] of saved) text = text.replaceAll(name, replacement);
    return text as T;
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, saved)) as T;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [fill(key, saved), fill(item, saved)])) as T;
}

class CaseRun {
  readonly #target: Target;
  readonly #saved = new Map<string, string>();
  readonly #normaliser: Normaliser;
  readonly #watches = new Map<string, Watch>();
  /** Paths of what was created outside the case's namespace. */
  readonly #made: string[] = [];

  constructor(target: Target) {
    this.#target = target;
    const id = `c${randomBytes(5).toString('hex')}x`;
    const namespace = `conformance-${id}`;
    this.#saved.set('{ns}', namespace).set('{id}', id);
    this.#normaliser = new Normaliser({ [namespace]: '{ns}', [id]: '{id}' });
  }

  async run(steps: readonly Step[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const usesNamespace = JSON.stringify(steps).includes('{ns}');
    const namespace = this.#saved.get('{ns}')!;
    if (usesNamespace) {
      await this.#target.core.post('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace },
      });
    }
    try {
      for (const step of steps) {
        const outcome = await this.#step(step);
        if (!step.silent && !step.open) outcomes.push(outcome);
      }
    } finally {
      for (const watch of this.#watches.values()) watch.close();
      for (const path of this.#made) await this.#target.clientFor(path).delete(path);
      if (usesNamespace) await this.#target.core.delete(`/api/v1/namespaces/${namespace}`);
    }
    return outcomes;
  }

  async #step(step: Step): Promise<Outcome> {
    const path = fill(step.path, this.#saved);
    const client = this.#target.clientFor(path);
    const headers = fill({ ...step.headers } as JsonObject, this.#saved) as { [name: string]: string };
    const label = `${step.method} ${step.path}`;
    if (step.open) {
      this.#watches.set(step.open, await client.watch(path, headers));
      return { step: label, code: 0, headers: {} };
    }
    if (step.collect)
      return { step: label, ...(await this.#events(this.#watches.get(step.collect.name)!, step.collect.count)) };
    if (step.watch !== undefined) {
      const watch = await client.watch(path, headers);
      try {
        return { step: label, ...(await this.#events(watch, step.watch)) };
      } finally {
        watch.close();
      }
    }
    const body = fill(step.body, this.#saved);
    const send = () => client.call(path, { method: step.method, headers, ...(body === undefined ? {} : { body }) });
    const reply = step.until ? await this.#until(send, step.until) : await send();
    if (step.method === 'POST' && reply.code === 201 && !path.includes('/namespaces/')) {
      const [where] = path.split('?', 1);
      this.#made.push(`${where}/${asText(at(reply.body, ['metadata', 'name']))}`);
    }
    for (const [name, where] of Object.entries(step.save ?? {})) {
      const value = at(reply.body, where.split('.'));
      this.#saved.set(`$${name}`, typeof value === 'string' ? value : JSON.stringify(value ?? ''));
    }
    return { step: label, ...this.#outcome(reply) };
  }

  async #until(send: () => Promise<Reply>, until: NonNullable<Step['until']>): Promise<Reply> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const reply = await send();
      const code = until.code === undefined || reply.code === until.code;
      const value =
        until.path === undefined ||
        equal(at(reply.body, until.path.split('.')) ?? null, fill(until.equals, this.#saved));
      const text = until.includes === undefined || JSON.stringify(reply.body).includes(until.includes);
      if ((code && value && text) || Date.now() > deadline) return reply;
      await pause(PAUSE);
    }
  }

  #headers(all: { readonly [name: string]: string | string[] | undefined }): JsonObject {
    const kept = HEADERS.filter((name) => all[name] !== undefined);
    return Object.fromEntries(kept.map((name) => [name, this.#normaliser.json(all[name] as Json)]));
  }

  #outcome(reply: Reply): Omit<Outcome, 'step'> {
    const type = reply.headers['content-type'] ?? '';
    const parsed = /json/.test(type) ? reply.body : /yaml/.test(type) ? (load(reply.text) as Json) : undefined;
    return {
      code: reply.code,
      headers: this.#headers(reply.headers),
      ...(parsed === undefined ? { text: this.#normaliser.text(reply.text) } : { body: this.#normaliser.json(parsed) }),
    };
  }

  async #events(watch: Watch, count: number | 'end'): Promise<Omit<Outcome, 'step'>> {
    const events: Json[] = [];
    while (count === 'end' || events.length < count) {
      const event = await Promise.race([watch.next(), pause(EVENT_PATIENCE).then(() => 'late' as const)]);
      if (event === undefined) break;
      if (event === 'late') {
        events.push('nothing more came');
        break;
      }
      events.push(this.#normaliser.json(event));
    }
    return { code: watch.code, headers: {}, events };
  }
}

export function runCase(target: Target, one: Case): Promise<Outcome[]> {
  return new CaseRun(target).run(one.steps);
}

/** Installs the definitions that cases use, and waits until their resources are served. */
export async function prepare(target: Target): Promise<void> {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const definition of DEFINITIONS) {
    const created = await target.custom.post(definitions, definition);
    if (created.code !== 201 && created.code !== 409)
      throw new Error(`installing a definition failed: ${created.text}`);
  }
  const deadline = Date.now() + PATIENCE;
  for (const served of ['v1beta1/gadgets', 'v1/gadgets', 'v1/widgets', 'v1/ruleds']) {
    for (;;) {
      const listed = await target.custom.get(`/apis/${CONFORMANCE_GROUP}/${served}`);
      if (listed.code === 200) break;
      if (Date.now() > deadline) throw new Error(`${served} is not served: ${listed.text}`);
      await pause(PAUSE);
    }
  }
}
