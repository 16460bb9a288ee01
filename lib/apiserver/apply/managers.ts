// Who owns which fields: the bookkeeping behind update and server-side apply (structured-merge-diff's Updater).
import { isObject, type Json, type JsonObject, type ManagedFieldsEntry } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { FieldSet } from './field-set.ts';
import { compare, fieldSetOf, merge, removeItems, withNamedFields } from './typed.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** "" for the main resource. */
  readonly subresource: string;
}

interface Owned {
  readonly manager: Manager;
  readonly fields: FieldSet;
  readonly time: string | undefined;
}

export type Managers = ReadonlyMap<string, Owned>;

/** Fields that others own and this apply would change. */
export interface FieldConflict {
  readonly manager: Manager;
  readonly time: string | undefined;
  readonly paths: readonly string[];
}

/** An apply without force that would take fields from others. */
export class ApplyConflict extends Error {
  readonly conflicts: readonly FieldConflict[];
  constructor(conflicts: readonly FieldConflict[]) {
    super('apply conflicts with other managers');
    this.name = 'ApplyConflict';
    this.conflicts = conflicts;
  }
}

/** Nobody owns these: identity, and what the server itself writes. */
const UNOWNED = FieldSet.parse({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:creationTimestamp': {},
    'f:deletionGracePeriodSeconds': {},
    'f:deletionTimestamp': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:name': {},
    'f:namespace': {},
    'f:resourceVersion': {},
    'f:selfLink': {},
    'f:uid': {},
  },
});

/** What tells entries apart. */
export function keyOf(manager: Manager): string {
  // One manager's updates through one subresource are one entry per version; its applies one over all versions.
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return JSON.stringify([manager.operation, manager.name, version, manager.subresource]);
}

/** Whether entries that a client sends can be taken as they are. */
export function areReadable(entries: readonly ManagedFieldsEntry[]): boolean {
  return entries.every(
    ({ operation, fieldsType, fieldsV1 }) =>
      (operation === 'Apply' || operation === 'Update') && fieldsType === 'FieldsV1' && isObject(fieldsV1),
  );
}

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers = new Map<string, Owned>();
  for (const entry of entries ?? []) {
    const manager: Manager = {
      name: entry.manager ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
    };
    managers.set(keyOf(manager), { manager, fields: FieldSet.parse(entry.fieldsV1 ?? {}), time: entry.time });
  }
  return managers;
}

/** Entries in the API's order: applies first, then by time, then by name. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] {
  const rank = ({ manager, time }: Owned) => [
    manager.operation,
    time ?? '',
    manager.name,
    manager.apiVersion,
    manager.subresource,
  ];
  const owned = [...managers.values()].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const index = left.findIndex((part, position) => part !== right[position]);
    return index < 0 ? 0 : left[index]! < right[index]! ? -1 : 1;
  });
  return owned.map(({ manager, fields, time }) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: fields.toFields(),
    ...(manager.subresource ? { subresource: manager.subresource } : {}),
  }));
}

export interface Change {
  readonly managers: Managers;
  readonly manager: Manager;
  /** What this endpoint resets and therefore nobody owns through it, such as status on the main resource. */
  readonly ignored: FieldSet;
  readonly schema: Schema;
  /** The time to book; none for endpoints that book no times. */
  readonly now: string | undefined;
}

/** Books a create, update or patch: the manager owns what changed, others lose it. */
export function recordUpdate(before: Json, after: Json, change: Change): Managers {
  const taken = take(before, after, change, true);
  const key = keyOf(change.manager);
  const mine = taken.managers.get(key);
  const fields = (mine?.fields ?? FieldSet.empty).difference(taken.removed).union(taken.changed);
  return withOwned(taken.managers, change.manager, fields, taken.changed.isEmpty ? mine?.time : change.now);
}

/**
 * Merges an applied configuration into the live object and books it.
 * @throws ApplyConflict when others own what would change and `force` is not set
 */
export function applyConfiguration(
  live: JsonObject,
  config: JsonObject,
  change: Change,
  force: boolean,
): { object: JsonObject; managers: Managers } {
  const { schema, manager } = change;
  const before = change.managers.get(keyOf(manager));
  const last = before?.fields ?? FieldSet.empty;
  const fields = fieldSetOf(config, schema).difference(UNOWNED).recursiveDifference(change.ignored);
  const merged = merge(live, config, schema) as JsonObject;
  const claimed = withOwned(change.managers, manager, fields, before?.time);
  const object = pruneForgotten(merged, claimed, last, schema) as JsonObject;
  const taken = take(live, object, { ...change, managers: claimed }, force);
  const moved = !taken.changed.isEmpty || !taken.removed.isEmpty;
  return { object, managers: withOwned(taken.managers, manager, fields, moved ? change.now : before?.time) };
}

/** Sets what a manager owns; one that owns nothing is forgotten. */
function withOwned(managers: Managers, manager: Manager, fields: FieldSet, time: string | undefined): Managers {
  const result = new Map(managers);
  if (fields.isEmpty) result.delete(keyOf(manager));
  else result.set(keyOf(manager), { manager, fields, time });
  return result;
}

/** Takes changed and removed fields from their other owners. */
function take(before: Json, after: Json, change: Change, force: boolean) {
  const comparison = compare(before, after, change.schema);
  const mine = (fields: FieldSet) => fields.difference(UNOWNED).recursiveDifference(change.ignored);
  const changed = mine(comparison.modified.union(comparison.added));
  const removed = mine(comparison.removed);
  const key = keyOf(change.manager);
  const result = new Map(change.managers);
  const conflicts: FieldConflict[] = [];
  for (const [other, owned] of change.managers) {
    if (other === key) continue;
    const disputed = owned.fields.intersection(changed);
    if (!disputed.isEmpty) conflicts.push({ manager: owned.manager, time: owned.time, paths: disputed.paths() });
    const rest = owned.fields.difference(disputed).difference(removed);
    if (rest.isEmpty) result.delete(other);
    else if (!rest.equals(owned.fields)) result.set(other, { ...owned, fields: rest });
  }
  if (conflicts.length > 0 && !force) throw new ApplyConflict(conflicts);
  return { managers: result as Managers, changed, removed };
}

/** Removes what the manager applied before, leaves out now, and nobody else owns. */
function pruneForgotten(merged: Json, managers: Managers, last: FieldSet, schema: Schema): Json {
  if (last.isEmpty) return merged;
  const named = (fields: FieldSet) => withNamedFields(fields, schema);
  const mergedSet = named(fieldSetOf(merged, schema));
  let pruned = removeItems(merged, named(last), schema);
  let owned = FieldSet.empty;
  for (const { fields } of managers.values()) owned = owned.union(fields);
  const lost = () => mergedSet.difference(named(fieldSetOf(pruned, schema)));
  pruned = removeItems(merged, lost().difference(named(owned)), schema);
  return removeItems(merged, lost().intersection(named(last)), schema);
}

/** The fields below these top-level ones, for Change.ignored. */
export function wholeFields(...names: readonly string[]): FieldSet {
  return FieldSet.parse(Object.fromEntries(names.map((name) => [`f:${name}`, {}])));
}
