// One pass: the cluster brought to what a folder says, and what left the folder taken out of the cluster.
//
// Flow: namespaces → the set's scope widened → waves applied, one after the other → what left, from the last wave on → the
// scope narrowed. Each step may be repeated: a pass that was killed anywhere is made up for by the next one.
// Guarantees: nothing is taken away while anything failed, nor an object that another folder has, nor one that came back.
// A wave of what left waits until the one behind it is gone: a machine that is given back is wiped first, and for that its
// Secret and its Site are needed.
import { createHash } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, found, isConflict, isNotFound, isRetryable } from '../kube/errors.ts';
import { equal } from '../kube/merge-patch.ts';
import type { KubeObject } from '../kube/resource.ts';
import {
  type ApplySet,
  FIELD_MANAGER,
  groupKind,
  members,
  PART_OF,
  readScope,
  type Scope,
  widened,
  writeScope,
} from './apply-set.ts';
import { describeChange, differences, essence } from './difference.ts';
import { type Kind, kindId, nameOf } from './kinds.ts';

export interface SyncOptions {
  readonly client: KubeClient;
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly set: ApplySet;
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean;
  readonly prune: boolean;
  /** How long an object has to be out of the folder before it is taken away: a file may only be on its way to another name. */
  readonly pruneAfterMs: number;
  /** Milliseconds. */
  readonly now: () => number;
  readonly print: (line: string) => void;
}

export interface Outcome {
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly pruned: number;
  /** What is on its way out, or waits to be. */
  readonly leaving: number;
  readonly failed: number;
  /** None of this was done. */
  readonly isDryRun: boolean;
}

/** What was applied last, and what came of it: both as digests. */
interface Memory {
  readonly wanted: string;
  readonly live: string;
}

const AT_ONCE = 8;

export class Sync {
  readonly #options: SyncOptions;
  readonly #memory = new Map<string, Memory>();
  readonly #goneSince = new Map<string, number>();
  /** What was said of an object last, so that it is not said at every look. */
  readonly #told = new Map<string, string>();

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** @throws ApiError when the server cannot be reached, so that nothing can be said. */
  async pass(objects: readonly KubeObject[], signal: AbortSignal): Promise<Outcome> {
    const { client, set, kinds, prune, dryRun } = this.#options;
    const wanted = objects.map((object) => this.#prepared(object));
    const keys = new Set(wanted.map(keyOf));
    const scope = scopeOf(wanted, kinds);
    const before = await readScope(client, set, signal);
    const all = widened(before, scope);
    const resources = [...kinds.values()].map(({ resource }) => resource);
    const present = await members(client, set, resources, all, signal);
    if (objects.length === 0 && present.length > 0 && prune) {
      throw new Error(
        `the folder holds no object, and ${present.length} in the cluster came from it: nothing is pruned. Delete them with kubectl, or give --prune=false`,
      );
    }
    const live = new Map(present.map((object) => [keyOf(object), object]));
    const counts = { created: 0, changed: 0, unchanged: 0, failed: 0 };
    const waves = Map.groupBy(wanted, (object) => kinds.get(kindId(object))!.wave);
    let isWide = dryRun || sameScope(before, all, set);
    for (const [wave, group] of [...waves].sort(([a], [b]) => a - b)) {
      // Namespaces come first, as the parent is in one; they are never taken away.
      if (wave > 0 && !isWide) {
        await writeScope(client, set, all, signal);
        isWide = true;
      }
      await inTurns(group, async (object) => {
        counts[await this.#apply(object, live.get(keyOf(object)), signal)]++;
      });
    }
    const left = present.filter((object) => !keys.has(keyOf(object)));
    for (const key of this.#goneSince.keys()) if (keys.has(key)) this.#goneSince.delete(key);
    const going = prune ? await this.#prune(left, counts.failed > 0, signal) : { pruned: 0, leaving: 0 };
    const mayNarrow = prune && !dryRun && going.leaving === 0 && going.pruned === 0 && counts.failed === 0;
    if (mayNarrow && !sameScope(before, scope, set)) await writeScope(client, set, scope, signal);
    return { ...counts, ...going, isDryRun: dryRun };
  }

  /** With the set's label, and Secrets as the server keeps them: of `stringData` nobody could tell whether it changed. */
  #prepared(object: KubeObject): KubeObject {
    const { set, kinds } = this.#options;
    const { stringData, ...rest } = object as KubeObject & { stringData?: Record<string, string>; data?: object };
    const { metadata } = object;
    const isNamespaced = kinds.get(kindId(object))!.resource.namespaced;
    const namespace = isNamespaced ? { namespace: metadata.namespace ?? set.namespace } : {};
    const labels = { ...metadata.labels, [PART_OF]: set.id };
    const texts = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    const data = object.kind === 'Secret' ? { data: { ...rest.data, ...Object.fromEntries(texts) } } : {};
    return { ...rest, ...data, metadata: { ...metadata, ...namespace, labels } };
  }

  async #apply(
    wanted: KubeObject,
    member: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<'created' | 'changed' | 'unchanged' | 'failed'> {
    const { client, set, kinds, dryRun, print } = this.#options;
    const { resource } = kinds.get(kindId(wanted))!;
    const key = keyOf(wanted);
    const name = nameOf(wanted);
    try {
      const live = member ?? (await found(client.get(resource, wanted.metadata, { signal })));
      const owner = live?.metadata.labels?.[PART_OF];
      if (owner !== undefined && owner !== set.id)
        throw new Error(
          `belongs to another set, ${owner}: it stands in two folders, or its folder has moved (see --name)`,
        );
      const memory = this.#memory.get(key);
      const isSame = memory?.wanted === digest(wanted);
      if (isSame && live && memory.live === digest(essence(live))) return 'unchanged';
      const patch = { type: 'apply', object: wanted, fieldManager: FIELD_MANAGER, force: true } as const;
      const applied = client.patch(resource, wanted.metadata, patch, { signal, dryRun, fieldValidation: 'Strict' });
      // What it needs may come with the very same folder.
      const after = dryRun && !live ? ((await found(applied)) ?? wanted) : await applied;
      this.#told.delete(key);
      if (!dryRun) this.#memory.set(key, { wanted: digest(wanted), live: digest(essence(after)) });
      if (!live) {
        print(`${name} ${dryRun ? 'would be created' : 'created'}`);
        return 'created';
      }
      const changes = differences(essence(live), essence(after));
      if (changes.length === 0) return 'unchanged';
      const how = isSame ? 'drifted, put back' : dryRun ? 'would be changed' : 'changed';
      print(`${name} ${how}: ${changes.map((change) => describeChange(change, wanted.kind)).join(', ')}`);
      return 'changed';
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#tellOnce(wanted, `failed: ${reasonOf(error, wanted.kind)}`);
      return 'failed';
    }
  }

  /** Takes away what left, as far as its turn has come. */
  async #prune(
    left: readonly KubeObject[],
    hasFailed: boolean,
    signal: AbortSignal,
  ): Promise<{ pruned: number; leaving: number }> {
    const { kinds, now, pruneAfterMs, print, dryRun } = this.#options;
    const waveOf = (object: KubeObject) => kinds.get(kindId(object))!.wave;
    const [kept, going] = [
      left.filter((object) => !this.#isPruned(object)),
      left.filter((object) => this.#isPruned(object)),
    ];
    for (const object of kept)
      this.#tellOnce(object, "left the folder and stays, as others' objects may be in it: delete it yourself");
    for (const object of going) this.#goneSince.set(keyOf(object), this.#goneSince.get(keyOf(object)) ?? now());
    if (going.length > 0 && hasFailed)
      print(`${going.length} that left the folder stay until all of it can be applied`);
    if (going.length === 0 || hasFailed) return { pruned: 0, leaving: going.length };
    const last = dryRun ? 0 : Math.max(...going.map(waveOf));
    const due = going.filter(
      (object) =>
        waveOf(object) >= last &&
        object.metadata.deletionTimestamp === undefined &&
        now() - this.#goneSince.get(keyOf(object))! >= pruneAfterMs,
    );
    let pruned = 0;
    await inTurns(due, async (object) => {
      if (await this.#delete(object, signal)) pruned++;
    });
    return { pruned, leaving: dryRun ? 0 : going.length };
  }

  #isPruned = (object: KubeObject): boolean => this.#options.kinds.get(kindId(object))!.isPruned;

  #tellOnce(object: KubeObject, line: string): void {
    if (this.#told.get(keyOf(object)) !== line) this.#options.print(`${nameOf(object)} ${line}`);
    this.#told.set(keyOf(object), line);
  }

  /** Only this very object, as it was seen: whoever takes it over meanwhile keeps it. */
  async #delete(object: KubeObject, signal: AbortSignal): Promise<boolean> {
    const { client, kinds, dryRun, print } = this.#options;
    const { uid, resourceVersion } = object.metadata;
    if (dryRun) {
      print(`${nameOf(object)} would be deleted`);
      return true;
    }
    try {
      await client.delete(kinds.get(kindId(object))!.resource, object.metadata, { uid, resourceVersion, signal });
      print(`${nameOf(object)} deleted, as it left the folder`);
      this.#memory.delete(keyOf(object));
      return true;
    } catch (error) {
      // Gone, or changed since it was listed: the next pass looks again.
      if (isNotFound(error) || isConflict(error)) return false;
      if (!isAnswer(error)) throw error;
      this.#tellOnce(object, `is not deleted: ${reasonOf(error, object.kind)}`);
      return false;
    }
  }
}

const keyOf = (object: KubeObject): string => `${kindId(object)} ${nameOf(object)}`;
const digest = (object: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(object)))
    .digest('hex');

/** The server gives fields in another order than people do. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** The server has spoken, about this one object: the others may well be applied. */
const isAnswer = (error: unknown): error is Error =>
  error instanceof Error &&
  (!(error instanceof ApiError) || !isRetryable(error)) &&
  !(error instanceof ApiError && error.reason === 'Aborted');

/** Of a Secret no more than which fields: the server quotes what it does not like. */
function reasonOf(error: Error, kind: string): string {
  if (kind !== 'Secret' || !(error instanceof ApiError)) return error.message;
  const fields = (error.statusDetails?.causes ?? []).map(({ field }) => field).filter((field) => field !== undefined);
  return `the server refuses it (${error.status} ${error.reason}${fields.length > 0 ? `: ${fields.join(', ')}` : ''})`;
}

function scopeOf(objects: readonly KubeObject[], kinds: ReadonlyMap<string, Kind>): Scope {
  return {
    kinds: new Set(objects.map((object) => groupKind(kinds.get(kindId(object))!.resource))),
    namespaces: new Set(
      objects.flatMap(({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace])),
    ),
  };
}

function sameScope(a: Scope, b: Scope, { namespace }: ApplySet): boolean {
  const others = ({ namespaces }: Scope) => [...namespaces].filter((one) => one !== namespace).sort();
  return equal([...a.kinds].sort(), [...b.kinds].sort()) && equal(others(a), others(b));
}

async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const work = async () => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
