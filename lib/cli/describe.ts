// All that is known of one object, for a person who wants to know what it does and why. Pure: objects in, lines out.
import type { Device, DeviceInventory, Instance, Placement } from '../api/generated.ts';
import { bytes } from '../api/quantity.ts';
import type { KubeEvent } from '../kube/events.ts';
import { OPERATIONS, type OperationKind } from '../provision/operations/operations.ts';
import { progressBar } from './progress.ts';

export interface Surroundings {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly events: readonly KubeEvent[];
  /** Of a Device. */
  readonly inventory?: DeviceInventory | undefined;
  /** That an Instance has. */
  readonly device?: Device | undefined;
}

type Lines = readonly string[];
type Entry = NonNullable<NonNullable<Device['status']>['history']>[number];
type Operation = NonNullable<NonNullable<Device['status']>['operation']>;

const MOST_EVENTS = 15;

/** `35s`, `12m`, `3h20m`, `6d`: as kubectl shows ages. */
export function ageOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h${minutes % 60 === 0 ? '' : `${minutes % 60}m`}` : `${Math.floor(hours / 24)}d`;
}
const since = (now: number, time: string | undefined): string => (time ? ageOf(now - Date.parse(time)) : '');

/** Rows as columns that are as wide as their widest cell. */
export function columns(rows: readonly Lines[], indent = ''): string[] {
  const widths = rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]!.length))) ?? [];
  return rows.map((row) => `${indent}${row.map((cell, index) => cell.padEnd(widths[index]!)).join('  ')}`.trimEnd());
}

/** A heading with what stands under it; nothing where there is nothing. */
const section = (title: string, lines: Lines): string[] => (lines.length === 0 ? [] : ['', `${title}:`, ...lines]);

/** Pairs with something to say. */
const facts = (pairs: readonly (readonly [name: string, value: string | undefined])[]): string[] =>
  columns(pairs.filter(([, value]) => value).map(([name, value]) => [`${name}:`, value!]));

const conditions = (now: number, list: NonNullable<Device['status']>['conditions'] = []): string[] =>
  columns(
    list.map(({ type, status, lastTransitionTime, reason, message }) => [
      type,
      status,
      since(now, lastTransitionTime),
      reason,
      message,
    ]),
    '  ',
  );

/** The steps of the operation under way: which are done, which one is it at, how long it has, when it may end. */
export function operationLines(now: number, operation: Operation): string[] {
  const { kind, step, index, percent = 0, attempt, startedAt, deadline, nextAttemptAt, expectedEnd } = operation;
  const steps: Lines = kind in OPERATIONS ? OPERATIONS[kind as OperationKind] : [step];
  const elapsed = now - Date.parse(startedAt);
  const guess = percent >= 10 && percent < 100 ? (elapsed * (100 - percent)) / percent : undefined;
  const leftMs = expectedEnd === undefined ? guess : Date.parse(expectedEnd) - now;
  const left = leftMs !== undefined && leftMs > 0 ? `, about ${ageOf(leftMs)} left` : '';
  const waiting = nextAttemptAt && Date.parse(nextAttemptAt) > now;
  const when = waiting
    ? `tried again in ${ageOf(Date.parse(nextAttemptAt) - now)}`
    : deadline
      ? `given ${ageOf(Date.parse(deadline) - now)} more`
      : '';
  const mark = (at: number) => (at < index ? '+' : at === index ? '>' : ' ');
  return [
    `  ${kind}  ${progressBar(percent, `for ${ageOf(elapsed)}${left}`)}`,
    ...steps.map((name, at) => {
      const now_ = at + 1 === index ? `  attempt ${attempt}${when && `, ${when}`}` : '';
      return `  ${mark(at + 1)} ${name}${now_}`;
    }),
  ];
}

/** What was done, newest first. */
export function historyLines(now: number, history: readonly Entry[]): string[] {
  const rows = [...history]
    .reverse()
    .map(({ kind, requestedBy, askedBy, startedAt, endedAt, result, message }) => [
      `${since(now, endedAt)} ago`,
      kind,
      requestedBy ?? '',
      askedBy ?? '',
      ageOf(Date.parse(endedAt) - Date.parse(startedAt)),
      result,
      message ?? '',
    ]);
  return rows.length === 0
    ? []
    : columns([['ENDED', 'OPERATION', 'FOR', 'ASKED BY', 'TOOK', 'RESULT', 'MESSAGE'], ...rows], '  ');
}

function requestLines(now: number, requests: object = {}): string[] {
  const entries = Object.entries(requests) as [
    string,
    { value: string; result: string; message?: string; at?: string },
  ][];
  return columns(
    entries.map(([name, { value, result, message, at }]) => [
      name,
      value,
      result,
      at ? `${since(now, at)} ago` : '',
      message ?? '',
    ]),
    '  ',
  );
}

function eventLines(now: number, events: readonly KubeEvent[]): string[] {
  const latest = [...events]
    .sort((a, b) => Date.parse(a.lastTimestamp) - Date.parse(b.lastTimestamp))
    .slice(-MOST_EVENTS)
    .map(({ type, reason, lastTimestamp, count, message }) => [
      `${since(now, lastTimestamp)}${count > 1 ? ` (x${count})` : ''}`,
      type,
      reason,
      message,
    ]);
  return columns(latest, '  ');
}

/** Of a quantity, as disks are sold: 10^9 bytes. */
const gigabytes = (size: string): string => `${Math.round(bytes(size) / 1e9)} GB`;

function nicText({ name, macAddress, linkUp, speedMbps, lldp }: NonNullable<DeviceInventory['spec']['nics']>[number]) {
  const link = linkUp === undefined ? undefined : linkUp ? `${speedMbps ?? '?'} Mb/s` : 'no link';
  return [name, macAddress, link, lldp && `to ${lldp.switchName} ${lldp.port}`].filter(Boolean).join(' ');
}

function hardware({ spec }: DeviceInventory): string[] {
  const { cpu, memory, disks = [], controllers = [], nics = [], gpus = [] } = spec;
  const modules = memory?.modules?.map(({ slot, size }) => `${slot} ${size}`) ?? [];
  return facts([
    ['  CPU', cpu && `${cpu.sockets ?? 1} × ${cpu.model ?? 'unknown'}, ${cpu.cores ?? '?'} cores`],
    ['  Firmware', [spec.manufacturer, spec.model, spec.firmware, spec.bootMode].filter(Boolean).join(', ')],
    ['  Memory', [memory?.total, modules.length > 0 && `(${modules.join(', ')})`].filter(Boolean).join(' ')],
    [
      '  Disks',
      disks.map(({ name, size, model }) => [name, size && gigabytes(size), model].filter(Boolean).join(' ')).join('; '),
    ],
    [
      '  RAID',
      controllers.map(({ name, model, tool, problem }) => `${name} ${model}: ${problem ?? `by ${tool}`}`).join('; '),
    ],
    ['  NICs', nics.map(nicText).join('; ')],
    ['  GPUs', gpus.map(({ model }) => model).join('; ')],
    ['  BMC', spec.bmc && [spec.bmc.address, spec.bmc.macAddress].filter(Boolean).join(' ')],
    ['  Told by', spec.source === 'BMC' ? 'its BMC' : undefined],
    ['  Changes', spec.changes?.join('; ')],
  ]);
}

type Volumes = NonNullable<NonNullable<Device['status']>['volumes']>;

/** What each volume is made of, its disks as they were called when they were collected. */
function volumeLines(volumes: Volumes = [], inventory?: DeviceInventory): string[] {
  const named = (serial: string) => {
    const disk = inventory?.spec.disks?.find(({ serialNumber }) => serialNumber === serial);
    return disk?.name ? `${disk.name} (${serial})` : serial;
  };
  return columns(
    volumes.map(({ name, controller, raidLevel, sizeBytes, disks, partitions = [] }) => [
      name,
      [
        disks.length === 1 ? 'one disk' : (raidLevel ?? 'not put together'),
        controller !== undefined && `by controller ${controller}`,
      ]
        .filter(Boolean)
        .join(' '),
      sizeBytes === undefined ? '' : `${Math.round(sizeBytes / 1e9)} GB`,
      disks.map(named).join(', '),
      partitions.map(({ fileSystem, mountPoint }) => [fileSystem, mountPoint].filter(Boolean).join(' ')).join(', '),
    ]),
    '  ',
  );
}

const wipedLines = (now: number, wiped: NonNullable<Device['status']>['wiped'] = []): string[] =>
  columns(
    wiped.map(({ serialNumber, method, unverified, samplesVerified, at, operationID }) => [
      serialNumber,
      `${method}${unverified ? ` (${unverified.join(', ')} had left data)` : ''}`,
      `${samplesVerified} samples empty`,
      `${since(now, at)} ago`,
      operationID,
    ]),
    '  ',
  );

export function describeDevice(device: Device, { now, events, inventory }: Surroundings): string[] {
  const { metadata, spec, status = {} } = device;
  const { bmc, power, operation, error, installed } = status;
  return [
    ...facts([
      ['Device', metadata.name],
      ['Phase', status.phase && `${status.phase} for ${since(now, status.phaseSince)}`],
      ['Power', power && `${power.state}, for ${since(now, power.observedAt)}`],
      ['BMC', [spec.bmc.address, bmc?.manufacturer, bmc?.product, bmc?.firmware].filter(Boolean).join(', ')],
      ['Type', spec.deviceType],
      ['Place', [spec.site, spec.location?.rack, spec.location?.unit].filter((part) => part !== undefined).join(', ')],
      ['Serial number', spec.serialNumber],
      ['Boot MAC', spec.bootMACAddress],
      ['Instance', spec.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`],
      ['Installed', installed?.image && `${installed.image} for ${installed.instance}`],
      ['Quarantine', status.quarantine && `${status.quarantine.code}, for ${since(now, status.quarantine.since)}`],
      ['Maintenance', spec.maintenance?.enabled ? (spec.maintenance.reason ?? 'yes') : undefined],
    ]),
    ...section('Error', error ? [`  ${error.code}: ${error.message}`, `  ${retryOf(error, now)}`] : []),
    ...section('Operation', operation ? operationLines(now, operation) : []),
    ...section('Hardware', inventory ? hardware(inventory) : []),
    ...section('Volumes', volumeLines(status.volumes, inventory)),
    ...section('Wiped', wipedLines(now, status.wiped)),
    ...section('Conditions', conditions(now, status.conditions)),
    ...section('Requests', requestLines(now, status.requests)),
    ...section('History', historyLines(now, status.history ?? [])),
    ...section('Events', eventLines(now, events)),
  ];
}

const retryOf = (
  { count, since: first, permanent }: NonNullable<NonNullable<Device['status']>['error']>,
  now: number,
) =>
  `${count} in a row, since ${since(now, first)}; ${
    permanent ? 'not tried again before it was mended, or bmp reset-status asks for it' : 'it is tried again by itself'
  }`;

/** How far the VMs have left. */
function drainLine(
  now: number,
  { for: what, of, left, since: begun }: NonNullable<NonNullable<Instance['status']>['drain']>,
): string {
  const percent = of === 0 ? 100 : Math.round(((of - left) / of) * 100);
  return `  ${progressBar(percent, `${of - left} of ${of} VMs have left for ${what.toLowerCase()}, for ${since(now, begun)}`)}`;
}

export function describeInstance(instance: Instance, { now, events, device }: Surroundings): string[] {
  const { metadata, spec, status = {} } = instance;
  const operation = device?.status?.operation;
  const mine = device?.status?.history?.filter(
    ({ requestedBy }) => requestedBy === `${metadata.namespace}/${metadata.name}`,
  );
  const error = device?.status?.error;
  return [
    ...facts([
      ['Instance', `${metadata.namespace}/${metadata.name}`],
      ['Phase', status.phase && `${status.phase} for ${since(now, status.phaseSince)}`],
      ['Power', `${spec.power} is wanted`],
      ['Device', status.deviceName],
      [
        'Image',
        status.image === spec.image ? spec.image : `${spec.image} is wanted, ${status.image ?? 'none'} is installed`,
      ],
      ['Addresses', status.addresses?.join(', ')],
      ['Locked', spec.locked ? 'yes: it cannot be deleted' : undefined],
      [
        'VMs',
        spec.vmHost?.enabled
          ? `${status.allocated?.placements ?? 0}, ${status.allocated?.cpu ?? 0} CPU, ${status.allocated?.memory ?? 0} memory`
          : undefined,
      ],
    ]),
    ...section('Error', error ? [`  ${error.code}: ${error.message}`, `  ${retryOf(error, now)}`] : []),
    ...section('Volumes', volumeLines(device?.status?.volumes)),
    ...section('Draining', status.drain ? [drainLine(now, status.drain)] : []),
    ...section('Operation', operation ? operationLines(now, operation) : []),
    ...section('Conditions', conditions(now, status.conditions)),
    ...section('Requests', requestLines(now, status.requests)),
    ...section('History', historyLines(now, mine ?? [])),
    ...section('Events', eventLines(now, events)),
  ];
}

export function describePlacement({ metadata, spec, status = {} }: Placement, { now, events }: Surroundings): string[] {
  const { cpu, memory } = spec.resources;
  return [
    ...facts([
      ['Placement', `${metadata.namespace}/${metadata.name}`],
      ['Phase', status.phase],
      [spec.reservation ? 'Reserves' : 'Wants', `${cpu} CPU, ${memory} memory`],
      ['Takes up', spec.from],
      ['Taken up by', status.redeemedBy?.name],
      ['Node', status.nodeName],
      ['Device', status.deviceName],
      ['Address', status.address],
    ]),
    ...section('Conditions', conditions(now, status.conditions)),
    ...section('Events', eventLines(now, events)),
  ];
}
