// How a whole device is chosen: the filters in the order of their reasons, and what makes one device better than another.
//
// The core knows nodes and requests. What only devices have (a type, a phase, an image that must run on them) stands in the
// node's labels under keys that no Kubernetes label can have, and is judged by the plugins here.
import type { Profile } from '../pipeline.ts';
import type { AllocationsFilter, Filter, Plugin, Signature } from '../plugin.ts';
import { nodeName, pool, region, site } from '../plugins/location.ts';
import { taintToleration } from '../plugins/node-state.ts';
import type { Configuration, Profiles } from '../profiles.ts';
import { matchesSelector } from '../selectors.ts';
import type { LabelSelector, Node, Request } from '../types.ts';

export const PROFILE = 'devices';

/** Label keys of a device's node. The space keeps them apart from the device's own labels. */
export const TYPE = 'device type';
/** Why the device is not on offer; missing when it is. */
export const STATE = 'device state';

/** A request of this profile: only `deviceRequest` makes them. */
export interface DeviceRequest extends Request {
  readonly deviceName?: string | undefined;
  readonly deviceType?: string | undefined;
  readonly deviceSelector?: LabelSelector | undefined;
  /** The device types that can run the image, sorted. */
  readonly imageTypes: readonly string[];
  /** The device types that have the volumes which the Instance names, sorted; any where it names none. */
  readonly volumeTypes?: readonly string[] | undefined;
}

/** A filter by what a device is and by its state; `judge` gives the reason for turning it away. */
function deviceFilter<Signed extends Signature>(
  name: string,
  stage: Filter['stage'],
  sign: (request: DeviceRequest) => Signed | undefined,
  judge: (signed: Signed, node: Node) => string | undefined,
): Plugin {
  const filter: Filter<Signed> = {
    stage,
    reads: 'node',
    sign: (request) => sign(request as DeviceRequest),
    compile: (signed, { table, reason }) => {
      return (slot) => {
        const refusal = judge(signed, table.node(slot)!);
        return refusal === undefined ? 0 : reason(refusal);
      };
    },
  };
  return { name, filter };
}

const deviceName = deviceFilter(
  'DeviceName',
  'preFilter',
  (request) => request.deviceName,
  (wanted, { name }) => (name === wanted ? undefined : 'other device'),
);

const deviceType = deviceFilter(
  'DeviceType',
  'preFilter',
  (request) => request.deviceType,
  (wanted, { labels }) => (labels[TYPE] === wanted ? undefined : 'other type'),
);

const deviceSelector = deviceFilter(
  'DeviceSelector',
  'preFilter',
  (request) => request.deviceSelector,
  (selector, { labels }) => (matchesSelector(selector, labels) ? undefined : 'other labels'),
);

const imageFits = deviceFilter(
  'ImageFits',
  'preFilter',
  (request) => request.imageTypes,
  (types, { labels }) => (types.includes(labels[TYPE] ?? '') ? undefined : 'cannot run the image'),
);

const volumesFit = deviceFilter(
  'VolumesFit',
  'preFilter',
  (request) => request.volumeTypes,
  (types, { labels }) => (types.includes(labels[TYPE] ?? '') ? undefined : 'other volumes'),
);

const onOffer = deviceFilter(
  'DeviceState',
  'filter',
  () => true,
  (_signed, { labels }) => labels[STATE],
);

const unclaimedFilter: AllocationsFilter<true, number> = {
  stage: 'filter',
  reads: 'allocations',
  sign: () => true,
  compile: (_signed, { reason }) => -reason('in use'),
  features: (_refused, table) => [
    { name: 'is in use', kind: 'flag', read: (slot) => (table.placements[slot] === 0 ? 0 : 1) },
  ],
  join: (parts, table) => (slot, verdicts) => {
    if (table.placements[slot] === 0) return;
    parts.forEach((inUse, lane) => {
      if (inUse !== undefined && verdicts[lane]! >= 0) verdicts[lane] = inUse;
    });
  },
};
const unclaimed: Plugin = { name: 'Unclaimed', filter: unclaimedFilter };

/** First what the request is about at all, then the state of the device, then whether somebody has it. */
const FILTERS: Profile['filters'] = [
  nodeName,
  deviceName,
  pool,
  region,
  site,
  deviceType,
  deviceSelector,
  imageFits,
  volumesFit,
  onOffer,
  taintToleration,
  unclaimed,
];

const known = new WeakMap<Configuration, Profiles>();

/** What makes one device better than another is for the configuration's profile `devices` to say; what fits is not. */
export function profilesFor(configuration: Configuration): Profiles {
  const { scores } = configuration.profiles.get(PROFILE)!;
  const profiles = known.get(configuration) ?? new Map([[PROFILE, { name: PROFILE, filters: FILTERS, scores }]]);
  known.set(configuration, profiles);
  return profiles;
}
