// The scheduler's configuration, shaped as kube-scheduler's KubeSchedulerConfiguration, and the profiles that come with it.
import { InvalidInputError } from './errors.ts';
import type { Profile } from './pipeline.ts';
import type { Plugin } from './plugin.ts';
import { dedicated, nodeName, pool, region, site, zone } from './plugins/location.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeUnschedulable, placementLimit, taintToleration } from './plugins/node-state.ts';
import { placementAffinity } from './plugins/placement-affinity.ts';
import {
  balancedAllocation,
  leastAllocated,
  mostAllocated,
  nodeResourcesFit,
  smallestSufficient,
} from './plugins/resources.ts';
import { type DefaultConstraint, topologySpread } from './plugins/topology-spread.ts';

/**
 * Every plugin there is. Filters are asked in this order, whatever a configuration lists first, so that a reason means the
 * same in every message: first what the request is about at all, then the node's state, then what is free.
 */
const PLUGINS: readonly Plugin[] = [
  nodeName,
  pool,
  region,
  site,
  zone,
  dedicated,
  nodeAffinity,
  nodeUnschedulable,
  taintToleration,
  placementLimit,
  nodeResourcesFit,
  placementAffinity,
  topologySpread(),
  mostAllocated,
  leastAllocated,
  balancedAllocation,
  smallestSufficient,
];

/** Profiles by name, as the scheduler takes them. */
export type Profiles = ReadonlyMap<string, Profile>;

export interface Configuration {
  readonly profiles: Profiles;
  /** By pool, the profile of requests that name none. */
  readonly pools: ReadonlyMap<string, string>;
}

interface PluginList {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[];
  /** `*` stands for all that the built-in profile enables. */
  readonly disabled?: readonly { readonly name: string }[];
}

interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly plugins?: { readonly filter?: PluginList; readonly score?: PluginList };
  /** Arguments; only TopologySpread has any. */
  readonly pluginConfig?: readonly {
    readonly name: 'TopologySpread';
    readonly args: { readonly defaultConstraints?: readonly DefaultConstraint[] };
  }[];
}

/** What a configuration file holds (after YAML or JSON). */
export interface SchedulerConfiguration {
  readonly apiVersion: string;
  readonly kind: string;
  readonly profiles?: readonly ProfileConfiguration[];
  /** What goes for a pool's requests that name no profile, instead of `default`. */
  readonly pools?: readonly { readonly name: string; readonly schedulerName: string }[];
}

export const API_VERSION = 'bmp.dev/v1alpha1';
export const KIND = 'SchedulerConfiguration';
const MAX_WEIGHT = 10_000;
/** Sums of scores stay 32-bit integers. */
const MAX_SCORE = 2 ** 30;

const ALL_FILTERS = PLUGINS.filter((plugin) => isAt(plugin, 'filter')).map(({ name }) => name);

/** What makes a profile. */
interface Recipe {
  readonly filters: readonly string[];
  /** Weights by plugin. */
  readonly scores: Readonly<Record<string, number>>;
  readonly spread: readonly DefaultConstraint[];
}

const DEFAULT: Recipe = {
  // VMs on hosts: fill hosts up, without leaving one resource stranded. What a request prefers outweighs both.
  filters: ALL_FILTERS,
  scores: {
    NodeAffinity: 100,
    TaintToleration: 1000,
    PlacementAffinity: 100,
    TopologySpread: 1000,
    MostAllocated: 4,
    BalancedAllocation: 1,
  },
  spread: [],
};

const BUILT_IN: Readonly<Record<string, Recipe>> = {
  default: DEFAULT,
  // Instances on devices, which are taken whole: the smallest that is enough; among equals, a tenant's over the racks.
  devices: {
    filters: ALL_FILTERS.filter((name) => name !== 'PlacementLimit'),
    scores: {
      NodeAffinity: 10_000,
      TaintToleration: 10_000,
      PlacementAffinity: 10_000,
      SmallestSufficient: 100,
      TopologySpread: 1,
    },
    spread: [{ topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }],
  },
};

export function defaultProfiles(): Profiles {
  return new Map(Object.entries(BUILT_IN).map(([name, recipe]) => [name, buildProfile(name, recipe)]));
}

function buildProfile(name: string, { filters, scores, spread }: Recipe): Profile {
  const plugins = PLUGINS.map((plugin) => (plugin.name === 'TopologySpread' ? topologySpread(spread) : plugin));
  return {
    name,
    filters: plugins
      .filter((plugin) => filters.includes(plugin.name))
      .sort((left, right) => readsRank(left) - readsRank(right)),
    scores: plugins
      .filter((plugin) => Object.hasOwn(scores, plugin.name))
      .map((plugin) => ({ plugin, weight: scores[plugin.name]! })),
  };
}

function readsRank(plugin: Plugin): number {
  return plugin.filter?.reads === 'node' ? 0 : 1;
}

/** What there is without a file. */
export const builtIn = (): Configuration => ({ profiles: defaultProfiles(), pools: new Map() });

/**
 * Reads a configuration strictly: what is not known, twice there or out of range is an InvalidInputError that names the
 * field. A profile called `default` or `devices` changes that one; any other starts from `default`.
 */
export function parseConfiguration(configuration: unknown): Configuration {
  const root = object(configuration, '', ['apiVersion', 'kind', 'profiles', 'pools']);
  if (root.apiVersion !== API_VERSION) fail('apiVersion', `must be ${API_VERSION}`);
  if (root.kind !== KIND) fail('kind', `must be ${KIND}`);
  const profiles = new Map(defaultProfiles());
  const seen = new Set<string>();
  for (const [path, entry] of entries(root.profiles, 'profiles')) {
    const profile = parseProfile(entry, path);
    if (seen.has(profile.name)) fail(`${path}.schedulerName`, `is there twice: ${profile.name}`);
    seen.add(profile.name);
    profiles.set(profile.name, profile);
  }
  return { profiles, pools: parsePools(root.pools, profiles) };
}

function parsePools(value: unknown, profiles: Profiles): Map<string, string> {
  const pools = new Map<string, string>();
  for (const [path, entry] of entries(value, 'pools')) {
    const fields = object(entry, path, ['name', 'schedulerName']);
    const name = text(fields.name, `${path}.name`);
    const profile = text(fields.schedulerName, `${path}.schedulerName`);
    if (!profiles.has(profile)) fail(`${path}.schedulerName`, `no profile is called ${profile}`);
    if (pools.has(name)) fail(`${path}.name`, `is there twice: ${name}`);
    pools.set(name, profile);
  }
  return pools;
}

function parseProfile(value: unknown, path: string): Profile {
  const fields = object(value, path, ['schedulerName', 'plugins', 'pluginConfig']);
  const name = text(fields.schedulerName, `${path}.schedulerName`);
  const plugins = object(fields.plugins ?? {}, `${path}.plugins`, ['filter', 'score']);
  const base = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name]! : DEFAULT;
  const allowing = new Map(base.filters.map((filter) => [filter, 1]));
  const filters = parseList(plugins.filter, `${path}.plugins.filter`, 'filter', allowing);
  const preferring = new Map(Object.entries(base.scores));
  const weights = parseList(plugins.score, `${path}.plugins.score`, 'score', preferring);
  let most = 0;
  for (const { name: plugin, score, domainScore } of PLUGINS) {
    most += ((score?.max ?? 0) + (domainScore?.max ?? 0)) * (weights.get(plugin) ?? 0);
  }
  if (most > MAX_SCORE) fail(`${path}.plugins.score`, `the highest possible score, ${most}, is above ${MAX_SCORE}`);
  const spread = parsePluginConfig(fields.pluginConfig, `${path}.pluginConfig`) ?? base.spread;
  return buildProfile(name, { filters: [...filters.keys()], scores: Object.fromEntries(weights), spread });
}

function parsePluginConfig(value: unknown, path: string): DefaultConstraint[] | undefined {
  let constraints: DefaultConstraint[] | undefined;
  for (const [at, entry] of entries(value, path)) {
    const { name, args } = object(entry, at, ['name', 'args']);
    if (name !== 'TopologySpread') fail(`${at}.name`, 'only TopologySpread takes arguments');
    if (constraints !== undefined) fail(`${at}.name`, `is there twice: ${name}`);
    const { defaultConstraints } = object(args, `${at}.args`, ['defaultConstraints']);
    constraints = entries(defaultConstraints, `${at}.args.defaultConstraints`).map(parseConstraint);
  }
  return constraints;
}

function parseConstraint([path, value]: [path: string, value: unknown]): DefaultConstraint {
  const fields = object(value, path, ['topologyKey', 'maxSkew', 'whenUnsatisfiable']);
  const { maxSkew, whenUnsatisfiable } = fields;
  if (typeof maxSkew !== 'number' || !Number.isInteger(maxSkew) || maxSkew < 1) {
    fail(`${path}.maxSkew`, 'must be a whole number from 1');
  }
  if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
    fail(`${path}.whenUnsatisfiable`, 'must be DoNotSchedule or ScheduleAnyway');
  }
  return { topologyKey: text(fields.topologyKey, `${path}.topologyKey`), maxSkew, whenUnsatisfiable };
}

/** What `disabled` and `enabled` make of a base: disabled ones go first, as in kube-scheduler. */
function parseList(
  value: unknown,
  path: string,
  point: 'filter' | 'score',
  base: ReadonlyMap<string, number>,
): Map<string, number> {
  const fields = object(value ?? {}, path, ['enabled', 'disabled']);
  const result = new Map(base);
  for (const [at, entry] of entries(fields.disabled, `${path}.disabled`)) {
    const name = text(object(entry, at, ['name']).name, `${at}.name`);
    if (name === '*') result.clear();
    else if (!result.delete(known(name, point, at))) fail(`${at}.name`, `is not enabled: ${name}`);
  }
  for (const [at, entry] of entries(fields.enabled, `${path}.enabled`)) {
    const item = object(entry, at, point === 'score' ? ['name', 'weight'] : ['name']);
    const name = known(text(item.name, `${at}.name`), point, at);
    const weight = item.weight ?? 1;
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) {
      fail(`${at}.weight`, `must be a whole number from 1 to ${MAX_WEIGHT}`);
    }
    result.set(name, weight);
  }
  return result;
}

function known(name: string, point: 'filter' | 'score', path: string): string {
  if (!PLUGINS.some((plugin) => plugin.name === name && isAt(plugin, point))) {
    fail(`${path}.name`, `no ${point} is called ${name}`);
  }
  return name;
}

function isAt({ filter, domainFilter, score, domainScore }: Plugin, point: 'filter' | 'score'): boolean {
  const parts = point === 'filter' ? [filter, domainFilter] : [score, domainScore];
  return parts.some((part) => part !== undefined);
}

function object(value: unknown, path: string, allowed: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path || '(root)', 'must be an object');
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) fail(path ? `${path}.${key}` : key, `is not known; there is ${allowed.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

function entries(value: unknown, path: string): [path: string, value: unknown][] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) fail(path, 'must be a list');
  return value.map((entry, index) => [`${path}[${index}]`, entry]);
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string' || value === '') fail(path, 'must be a string that is not empty');
  return value;
}

function fail(field: string, problem: string): never {
  throw new InvalidInputError('configuration', field, problem);
}
