// Keeps managedFields short: of more than ten managers that update, the oldest are rolled into one (structured-merge-diff's
// use in apimachinery, managedfields/internal/capmanagers.go).
import { keyOf, type Manager, type Managers } from './managers.ts';

const MOST_UPDATERS = 10;
const ROLLED_UP = 'ancient-changes';

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Managers of which at most ten update; those that apply are all kept. Of each version the oldest are rolled into one. */
export function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { manager }]) => manager.operation === 'Update');
  if (updaters.length <= MOST_UPDATERS) return managers;
  updaters.sort(
    ([, a], [, b]) => compareTexts(a.time ?? '', b.time ?? '') || compareTexts(a.manager.name, b.manager.name),
  );
  const result = new Map(managers);
  const firsts = new Map<string, string>();
  let left = updaters.length;
  for (const [key, owned] of updaters) {
    if (left <= MOST_UPDATERS) break;
    const { apiVersion } = owned.manager;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, key);
      continue;
    }
    const bucket: Manager = { name: ROLLED_UP, operation: 'Update', apiVersion, subresource: '' };
    const bucketKey = keyOf(bucket);
    const before = result.get(bucketKey) ?? result.get(first)!;
    result.delete(first);
    result.delete(key);
    result.set(bucketKey, { manager: bucket, fields: before.fields.union(owned.fields), time: owned.time });
    left--;
  }
  return result;
}
