// What the API accepts as bodies: shapes and bounds of everything that a machine may send, checked before anyone looks.
import { Ajv, type JSONSchemaType, type ValidateFunction } from 'ajv';
import type { Report, SessionRequest, SystemReport } from '../protocol.ts';

type Schema = Readonly<Record<string, unknown>>;

const text = (maxLength: number, minLength = 0): Schema => ({ type: 'string', minLength, maxLength });
const count = (maximum: number): Schema => ({ type: 'integer', minimum: 0, maximum });
const list = (items: Schema, maxItems: number): Schema => ({ type: 'array', items, maxItems });
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

/** Unknown fields pass: an agent may be newer than its operator. `optional` names the fields that may be missing. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

const MAX_BYTES = Number.MAX_SAFE_INTEGER;
const mac: Schema = { type: 'string', pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' };
const serialNumber = text(128, 1);
const name = text(256);

const disk = object(
  {
    name,
    serialNumber,
    wwn: text(64, 1),
    model: name,
    hctl: text(64),
    sizeBytes: count(MAX_BYTES),
    rotational: { type: 'boolean' },
    transport: oneOf('sata', 'sas', 'nvme', 'virtio'),
    controller: text(128, 1),
    failed: { type: 'boolean' },
  },
  ['wwn', 'hctl', 'controller', 'failed'],
);
const nic = object(
  {
    name,
    macAddress: mac,
    speedMbps: count(10_000_000),
    linkUp: { type: 'boolean' },
    lldp: object({ switchName: name, port: name }),
  },
  ['lldp'],
);
const controller = object({ name, model: name, serialNumber, firmware: name, tool: name, problem: text(512) }, [
  'serialNumber',
  'firmware',
  'tool',
  'problem',
]);
const identity = { serialNumber, macAddresses: list(mac, 128) };
const disks = list(disk, 512);

const inventory = object(
  {
    ...identity,
    manufacturer: name,
    model: name,
    firmware: name,
    architecture: oneOf('x86_64', 'aarch64'),
    bootMode: oneOf('BIOS', 'UEFI'),
    cpu: object({ model: name, sockets: count(1024), cores: count(1e6), threads: count(1e6) }),
    memory: object({
      totalBytes: count(MAX_BYTES),
      modules: list(object({ slot: name, sizeBytes: count(MAX_BYTES), type: name, speedMTs: count(1e6) }), 512),
    }),
    disks,
    controllers: list(controller, 32),
    nics: list(nic, 128),
    gpus: list(object({ model: name, memoryBytes: count(MAX_BYTES) }), 64),
    bmc: object({ address: text(256), macAddress: mac }),
  },
  ['bmc', 'controllers'],
);

const sha256: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const diskSerialNumber = serialNumber;
const wipeMethod = oneOf('nvme-sanitize', 'nvme-format', 'ata-secure-erase', 'overwrite');
const wiped = object(
  {
    serialNumber,
    method: wipeMethod,
    bytes: count(MAX_BYTES),
    samplesVerified: count(1e9),
    unverified: list(wipeMethod, 8),
  },
  ['unverified'],
);
const array = object(
  {
    id: text(128, 1),
    controller: serialNumber,
    level: oneOf('RAID0', 'RAID1', 'RAID5', 'RAID6', 'RAID10', 'other'),
    disks: list(serialNumber, 64),
    sizeBytes: count(MAX_BYTES),
    state: oneOf('whole', 'degraded', 'failed'),
  },
  ['controller'],
);
const partition = object(
  { id: text(36, 36), fileSystem: oneOf('ext4', 'xfs', 'vfat', 'swap'), mountPoint: text(255, 1) },
  ['mountPoint'],
);
const results: Readonly<Record<string, Schema>> = {
  collect: inventory,
  'configure-raid': object({ arrays: list(array, 16) }),
  'write-image': object({ diskSerialNumber, bytes: count(MAX_BYTES), sha256 }),
  'prepare-volumes': object({ volumes: list(object({ name: text(32, 1), partitions: list(partition, 16) }), 16) }),
  'write-seed': object({ diskSerialNumber }),
  'set-password': object({ diskSerialNumber, user: text(64, 1) }),
  wipe: object({ disks: list(wiped, 512) }),
};

const task: Schema = {
  ...object(
    {
      id: text(256, 1),
      kind: oneOf(...Object.keys(results)),
      state: oneOf('running', 'succeeded', 'failed'),
      percent: { type: 'number', minimum: 0, maximum: 100 },
      error: object({ class: oneOf('transient', 'permanent'), code: text(64, 1), message: text(4096) }),
    },
    ['error'],
  ),
  anyOf: [
    { properties: { state: { const: 'running' } } },
    { properties: { state: { const: 'failed' } }, required: ['error'] },
    ...Object.entries(results).map(([kind, result]) => ({
      properties: { state: { const: 'succeeded' }, kind: { const: kind }, result },
      required: ['result'],
    })),
  ],
};

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false });

function validator<T>(schema: Schema): ValidateFunction<T> {
  return ajv.compile(schema as unknown as JSONSchemaType<T>);
}

const sessionRequest = validator<SessionRequest>(
  object({
    token: text(2048, 1),
    nonce: text(128, 16),
    agentVersion: text(64),
    identity: object(identity),
    disks,
  }),
);
const report = validator<Report>(object({ task }, ['task']));
const systemReport = validator<SystemReport>(
  object({
    instanceUID: text(64, 1),
    bootID: text(64, 1),
    hostname: text(253),
    addresses: list(text(64), 256),
  }),
);

export class BodyError extends Error {
  override readonly name = 'BodyError';
}

function parse<T>(validate: ValidateFunction<T>, body: string): T {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new BodyError('the body is not JSON', { cause });
  }
  if (validate(value)) return value;
  throw new BodyError(ajv.errorsText(validate.errors, { dataVar: 'body' }));
}

/** @throws BodyError saying which field, as all of these. */
export const parseSessionRequest = (body: string): SessionRequest => parse(sessionRequest, body);
export const parseReport = (body: string): Report => parse(report, body);
export const parseSystemReport = (body: string): SystemReport => parse(systemReport, body);
