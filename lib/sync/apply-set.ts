// Which objects a folder has brought into the cluster: an ApplySet (KEP-3659), as `kubectl apply --applyset` keeps it.
//
// Every member carries a label with the set's id. A parent object, here a ConfigMap, carries that id too, and says of which
// kinds and in which namespaces members may be. It is widened before members come and narrowed after they have gone, so
// that whoever was interrupted is followed by one who finds them all.
import { createHash } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { CONFIG_MAPS } from './kinds.ts';

export const FIELD_MANAGER = 'bmp-sync';
/** On members. */
export const PART_OF = 'applyset.kubernetes.io/part-of';
const ID = 'applyset.kubernetes.io/id';
const TOOLING = 'applyset.kubernetes.io/tooling';
const KINDS = 'applyset.kubernetes.io/contains-group-kinds';
const NAMESPACES = 'applyset.kubernetes.io/additional-namespaces';
const OUR_TOOLING = 'bmp-sync/v1';

export interface ApplySet {
  /** Of the parent. */
  readonly name: string;
  readonly namespace: string;
  readonly id: string;
}

/** Where members may be. */
export interface Scope {
  /** `Device.bmp.dev`, `Secret`. */
  readonly kinds: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
}

export function applySet(name: string, namespace: string): ApplySet {
  const parent = [name, namespace, CONFIG_MAPS.kind, CONFIG_MAPS.group].join('.');
  return { name, namespace, id: `applyset-${createHash('sha256').update(parent).digest('base64url')}-v1` };
}

export const groupKind = ({ group, kind }: Resource): string => (group === '' ? kind : `${kind}.${group}`);

const listed = (text: string | undefined): string[] => (text ?? '').split(',').filter((item) => item !== '');
const union = (...sets: ReadonlySet<string>[]): ReadonlySet<string> => new Set(sets.flatMap((set) => [...set]));
const joined = (set: ReadonlySet<string>): string => [...set].sort().join(',');

/** What the parent says; nothing, where there is none yet. @throws Error when it is another tool's. */
export async function readScope(client: KubeClient, set: ApplySet, signal: AbortSignal): Promise<Scope> {
  try {
    const { metadata } = await client.get(CONFIG_MAPS, set, { signal });
    const { [TOOLING]: tooling, [KINDS]: kinds, [NAMESPACES]: namespaces } = metadata.annotations ?? {};
    if (metadata.labels?.[ID] !== set.id || tooling !== OUR_TOOLING)
      throw new Error(`ConfigMap ${set.namespace}/${set.name} is none of bmp sync's: choose another --name`);
    return { kinds: new Set(listed(kinds)), namespaces: new Set(listed(namespaces)) };
  } catch (error) {
    if (isNotFound(error)) return { kinds: new Set(), namespaces: new Set() };
    throw error;
  }
}

/** Writes it into the parent. No change where it says so already. */
export async function writeScope(client: KubeClient, set: ApplySet, scope: Scope, signal: AbortSignal): Promise<void> {
  const { name, namespace, id } = set;
  const others = new Set([...scope.namespaces].filter((one) => one !== namespace));
  const annotations = { [TOOLING]: OUR_TOOLING, [KINDS]: joined(scope.kinds), [NAMESPACES]: joined(others) };
  const metadata = { name, namespace, labels: { [ID]: id }, annotations };
  const object = { apiVersion: 'v1', kind: CONFIG_MAPS.kind, metadata };
  await client.patch(CONFIG_MAPS, set, { type: 'apply', object, fieldManager: FIELD_MANAGER, force: true }, { signal });
}

export const widened = (a: Scope, b: Scope): Scope => ({
  kinds: union(a.kinds, b.kinds),
  namespaces: union(a.namespaces, b.namespaces),
});

/** All members of these kinds, wherever the scope says that they may be. */
export async function members(
  client: KubeClient,
  set: ApplySet,
  resources: readonly Resource[],
  { kinds, namespaces }: Scope,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const labelSelector = `${PART_OF}=${set.id}`;
  const found: KubeObject[] = [];
  for (const resource of resources.filter((one) => kinds.has(groupKind(one)))) {
    const places = resource.namespaced ? new Set([set.namespace, ...namespaces]) : [undefined];
    for (const namespace of places) {
      try {
        for await (const page of client.pages(resource, { labelSelector, namespace, signal }))
          found.push(...page.items);
      } catch (error) {
        // The definition of the kind is gone, or not there yet: so are its objects.
        if (!isNotFound(error)) throw error;
      }
    }
  }
  return found;
}
