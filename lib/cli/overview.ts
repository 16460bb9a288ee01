// Devices, instances and placements as a person at a terminal wants to see them. Pure: objects in, lines out.
import type { Device, Instance, Placement } from '../api/generated.ts';
import type { KubeObject } from '../kube/resource.ts';

export interface Everything {
  readonly devices: readonly Device[];
  readonly instances: readonly Instance[];
  readonly placements: readonly Placement[];
}

type Row = readonly string[];

const progress = (
  step: string | undefined,
  index: number | undefined,
  total: number | undefined,
  percent: number | undefined,
) => (step ? `${index}/${total} ${step} ${percent ?? 0}%` : '');

function deviceRow({ metadata, spec, status = {} }: Device): Row {
  const { operation, error } = status;
  const doing = operation
    ? `${operation.kind} ${progress(operation.step, operation.index, operation.total, operation.percent)}`
    : '';
  const claim = spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '';
  return [
    metadata.name,
    status.phase ?? '',
    status.power?.state ?? '',
    doing,
    claim,
    error ? `${error.code}: ${error.message}` : '',
  ];
}

function instanceRow({ metadata, status = {} }: Instance): Row {
  const { progress: at, conditions = [] } = status;
  const ready = conditions.find(({ type }) => type === 'Ready');
  return [
    `${metadata.namespace}/${metadata.name}`,
    status.phase ?? '',
    status.deviceName ?? '',
    at ? progress(at.step, at.index, at.total, at.percent) : '',
    status.addresses?.[0] ?? '',
    status.phase === 'Running' ? '' : (ready?.message ?? ''),
  ];
}

function placementRow({ metadata, spec, status = {} }: Placement): Row {
  const scheduled = status.conditions?.find(({ type }) => type === 'Scheduled');
  return [
    `${metadata.namespace}/${metadata.name}`,
    status.phase ?? '',
    status.nodeName ?? '',
    `${spec.resources.cpu} CPU, ${spec.resources.memory}`,
    status.address ?? '',
    scheduled?.status === 'True' ? '' : (scheduled?.message ?? ''),
  ];
}

const byName = (a: KubeObject, b: KubeObject) =>
  `${a.metadata.namespace}/${a.metadata.name}`.localeCompare(`${b.metadata.namespace}/${b.metadata.name}`);

/** Columns as wide as their widest cell; each line cut at `width`. */
function table(rows: readonly Row[], width: number): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
      .slice(0, width),
  );
}

/** The whole picture in at most `height` lines of at most `width` characters. */
export function overview({ devices, instances, placements }: Everything, width: number, height: number): string[] {
  const parts: Row[][] = [
    [['DEVICE', 'PHASE', 'POWER', 'OPERATION', 'INSTANCE', 'ERROR'], ...[...devices].sort(byName).map(deviceRow)],
    [['INSTANCE', 'PHASE', 'DEVICE', 'STEP', 'ADDRESS', 'MESSAGE'], ...[...instances].sort(byName).map(instanceRow)],
    [['PLACEMENT', 'PHASE', 'NODE', 'WANTS', 'ADDRESS', 'MESSAGE'], ...[...placements].sort(byName).map(placementRow)],
  ];
  const lines = parts.filter((rows) => rows.length > 1).flatMap((rows) => [...table(rows, width), '']);
  if (lines.length <= height) return lines;
  return [...lines.slice(0, height - 1), `… ${lines.length - height + 1} more lines: see kubectl get bmp -A`];
}

/** One line per object for a log: what it is doing now, without what only people at a table want. */
export function summary(object: Device | Instance | Placement): string {
  const { kind, metadata } = object;
  const name = `${kind.toLowerCase()}/${metadata.name}`;
  if (isDevice(object)) {
    const { phase = 'New', operation, error } = object.status ?? {};
    const step = operation ? `  ${operation.kind} ${operation.index}/${operation.total} ${operation.step}` : '';
    return `${name}  ${phase}${step}${error ? `  ${error.code}: ${error.message}` : ''}`;
  }
  if (isInstance(object))
    return `${name}  ${object.status?.phase ?? 'New'}${object.status?.deviceName ? `  on ${object.status.deviceName}` : ''}`;
  return `${name}  ${object.status?.phase ?? 'New'}${object.status?.nodeName ? `  on ${object.status.nodeName}` : ''}`;
}

const isDevice = (object: KubeObject): object is Device => object.kind === 'Device';
const isInstance = (object: KubeObject): object is Instance => object.kind === 'Instance';
