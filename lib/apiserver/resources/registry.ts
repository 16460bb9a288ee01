// The resources being served, by group and name, and the order in which discovery shows them.
import { compareVersions } from '../crd/definition.ts';
import type { Resource, ResourceVersion } from './resource.ts';

export interface Served {
  readonly resource: Resource;
  readonly version: ResourceVersion;
}

export interface GroupVersion {
  readonly version: string;
  readonly resources: readonly Served[];
}

export class Registry {
  readonly #resources = new Map<string, Resource>();
  readonly #builtin: ReadonlySet<string>;
  readonly #listeners = new Set<(resource: Resource) => void>();
  #revision = 0;

  constructor(builtin: readonly Resource[]) {
    for (const resource of builtin) this.#resources.set(key(resource.group, resource.plural), resource);
    this.#builtin = new Set(this.#resources.keys());
  }

  /** Grows with every change: what is derived from the registry can be kept until then. */
  get revision(): number {
    return this.#revision;
  }

  get(group: string, plural: string): Resource | undefined {
    return this.#resources.get(key(group, plural));
  }

  find(group: string, version: string, plural: string): Served | undefined {
    const resource = this.get(group, plural);
    const found = resource?.versions.get(version);
    return resource && found ? { resource, version: found } : undefined;
  }

  /** Whether a group is the server's own. */
  isBuiltin(group: string): boolean {
    return [...this.#resources.values()].some((resource) => resource.group === group && !resource.custom);
  }

  /** The resource of a kind, in any version. */
  byKind(group: string, kind: string): Resource | undefined {
    return this.all().find((resource) => resource.group === group && resource.kind === kind);
  }

  /** The resource whose objects a collection of the store holds, in the form they are stored in. */
  byCollection(collection: string): Resource | undefined {
    return this.all().find((resource) => resource.collection === collection);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  set(resource: Resource): void {
    const name = key(resource.group, resource.plural);
    const before = this.#resources.get(name);
    this.#resources.set(name, resource);
    this.#revision++;
    if (before) this.#tell(before);
  }

  /** Calls back with resources that are no longer served as they were, until the returned function is called. */
  onGone(listener: (resource: Resource) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(resource: Resource): void {
    for (const listener of this.#listeners) listener(resource);
  }

  remove(group: string, plural: string): void {
    const name = key(group, plural);
    if (this.#builtin.has(name)) return;
    const before = this.#resources.get(name);
    if (!before) return;
    this.#resources.delete(name);
    this.#revision++;
    this.#tell(before);
  }

  /** Group names: the core group, then the built-in ones, then those of custom resources by name. */
  groups(): string[] {
    const builtin = new Set<string>();
    const custom = new Set<string>();
    for (const [name, resource] of this.#resources) (this.#builtin.has(name) ? builtin : custom).add(resource.group);
    return [...builtin, ...[...custom].filter((group) => !builtin.has(group)).sort()];
  }

  /** A group's versions, the preferred one first, with their resources by name. */
  versions(group: string): GroupVersion[] {
    const found = new Map<string, Served[]>();
    for (const resource of this.#resources.values()) {
      if (resource.group !== group) continue;
      for (const version of resource.versions.values()) {
        found.set(version.name, [...(found.get(version.name) ?? []), { resource, version }]);
      }
    }
    return [...found]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, resources]) => ({
        version,
        resources: resources.sort((a, b) => (a.resource.plural < b.resource.plural ? -1 : 1)),
      }));
  }
}

function key(group: string, plural: string): string {
  return `${plural}.${group}`;
}
