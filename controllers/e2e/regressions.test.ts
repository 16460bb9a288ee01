// What hurt the users of other bare-metal operators, each with a test named after the issue in which it was told. Those that have no
// other home are here; the last test sees that none is missing.
//
// BMO: metal3-io/baremetal-operator; CAPM3: metal3-io/cluster-api-provider-metal3; ironcore: ironcore-dev/metal-operator; metal-api:
// metal-stack/metal-api; rufio: tinkerbell/rufio; omni: siderolabs/omni; eks-anywhere: aws/eks-anywhere.
import { globSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ASKED_BY } from '../../lib/api/asked-by.ts';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { FAILURES, Failure, type FailureCode } from '../../lib/provision/operations/failures.ts';
import { type Observed, OPERATIONS, STEPS, type StepName } from '../../lib/provision/operations/operations.ts';
import { plan } from '../device/plan.ts';
import { begun, failed, heldUntil, reset, type Status, stepOf } from '../device/status.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

/** By the table of wrongs, those without a number by what they are. */
const WRONGS = [
  'BMO 916',
  'metal-api 207',
  'assisted-service 3606',
  'BMO 2691',
  'omni-infra-provider-bare-metal 37',
  'BMO 596',
  'CAPM3 1004',
  'CAPM3 3516',
  'cluster-api-provider-baremetal 275',
  'metal-api 195, 215, 228',
  'ironcore 1039',
  'BMO 1163',
  'BMO 3468',
  'BMO 798',
  'rufio 53',
  'eks-anywhere 3568',
  'ironic-image 688, omni 785',
  'ironcore 97',
  'BMO 1346',
  'ironcore 255',
  'ironcore 1108',
  'spec fields that controllers write fight Git',
  'commands as annotations',
  'inventory in status',
  'enums with spaces and empty strings',
  'power as a boolean with no unknown',
  'per-host labels on counters',
  'a new Event per occurrence',
];

const claimRef = { namespace: 'default', name: 'web-1', uid: 'i' };
const instance: Instance = {
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Instance',
  metadata: { name: 'web-1', namespace: 'default', uid: 'i' },
  spec: { image: 'debian-12', power: 'On', requests: { reinstall: 'v1' } },
};
const device = (status: Status): Device => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: 'd', uid: 'd' },
  spec: { bmc: { address: 'ipmi://127.0.0.1' }, bootMACAddress: '52:54:00:00:00:01', site: 's', claimRef },
  status,
});
const planned = (status: Status, of = instance, power: 'On' | 'Off' = 'On') =>
  plan({
    device: device(status),
    claimant: { type: 'live', instance: of },
    power,
    now: 0,
    newId: (kind) => `${kind}-new`,
  });
const retry = { now: 0, inputs: 'a', backoff: { initialMs: 1000, maxMs: 3_600_000 }, random: () => 0 };

const running: Status = {
  phase: 'InUse',
  dirty: true,
  installed: { instanceUID: 'i', image: 'debian-12' },
  system: { bootID: 'b', instanceUID: 'i' },
  handled: { instanceUID: 'i', reinstall: 'v1' },
};
const codes = Object.keys(FAILURES) as FailureCode[];
const observed = (of: Partial<Observed>): Observed => ({
  now: 0,
  agentAdmitted: false,
  systemReported: false,
  hardwareMismatches: [],
  ...of,
});
const context = { startedAt: 0, listeningSince: 0, graceMs: 0, silenceMs: 0 };

test('BMO 916: no error on a provisioned host deprovisions anything', () => {
  for (const code of codes) {
    const status = failed(running, new Failure(code, 'it happened'), retry);
    assert.equal(planned(status), status, code);
  }
});

test('metal-api 207: a reinstallation that fails is the same reinstallation, never a fresh installation or a wipe', () => {
  const asked = { ...instance, spec: { ...instance.spec, requests: { reinstall: 'v2' } } };
  const begins = planned(running, asked);
  assert.is(begins.operation?.kind, 'Reinstall');
  for (const code of codes) {
    const status = planned(failed(begins, new Failure(code, 'it failed'), retry), asked);
    assert.is(status.phase, 'InUse', code);
    assert.is(status.operation?.id, begins.operation?.id, code);
  }
});

test('BMO 2691: nothing that gives a device back boots its disk, and it ends turned off', () => {
  for (const kind of ['Clean', 'Release', 'Remove'] as const) {
    const steps: readonly StepName[] = OPERATIONS[kind];
    assert.not(steps.includes('disk-boot'), kind);
    assert.ok(['power-off', 'power-down'].includes(steps[0]!) && steps.at(-1)!.startsWith('power-'), kind);
  }
});

test('BMO 798: a long pause is shortened by asking for resetStatus', () => {
  let status = begun({ phase: 'InUse' }, { kind: 'Create', id: 'c', now: 0, instanceUID: 'i' });
  for (let tries = 0; tries < 12; tries++) status = failed(status, new Failure('BMCTimeout', 'late'), retry);
  assert.ok(heldUntil(status, 'a', 0)! >= 1_800_000);
  const shortened = reset(status, 0);
  assert.is(heldUntil(shortened, 'a', 0), undefined);
  assert.is(stepOf(shortened.operation!), stepOf(status.operation!));
});

test('eks-anywhere 3568: a machine that is off is not turned off, and that is no failure', () => {
  for (const step of ['power-off', 'power-down', 'shut-down'] as const)
    assert.equal(STEPS[step].judge(observed({ power: 'Off' }), context), { type: 'done' }, step);
});

test('ironcore 97: the boot device is set once, and not for a machine that is on', () => {
  const boot = STEPS['network-boot'];
  assert.equal(boot.judge(observed({ power: 'Off', bootDevice: 'pxe' }), context), {
    type: 'act',
    effect: { type: 'power', action: 'on' },
  });
  assert.equal(boot.judge(observed({ power: 'On', bootDevice: 'other' }), context), { type: 'done' });
});

interface Schema {
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}
interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}
const schemas = new Map(
  globSync('crds/*.yaml', { cwd: ROOT })
    .map((file) => load(readFileSync(`${ROOT}${file}`, 'utf8')) as Definition)
    .filter(({ spec }) => spec !== undefined)
    .map(({ spec }) => [spec.names.kind, spec.versions[0]!.schema.openAPIV3Schema]),
);

function* within(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* within(child, `${path}.${name}`);
  if (schema.items) yield* within(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') yield* within(schema.additionalProperties, `${path}.*`);
}
const fields = [...schemas].flatMap(([kind, schema]) => [...within(schema, kind)]);
const statusOf = (kind: string) => schemas.get(kind)?.properties?.status?.properties ?? {};

test('enums with spaces and empty strings: there are none', () => {
  const odd = fields.flatMap(([path, { enum: values = [] }]) =>
    values
      .filter((value) => typeof value === 'string' && !/^\S+$/.test(value))
      .map((value) => `${path}: "${String(value)}"`),
  );
  assert.equal(odd, []);
});

test('power as a boolean with no unknown: it is On, Off or Unknown', () => {
  assert.equal(statusOf('Device').power?.properties?.state?.enum, ['On', 'Off', 'Unknown']);
  const booleans = fields.filter(([path, { type }]) => /power/i.test(path) && type === 'boolean');
  assert.equal(
    booleans.map(([path]) => path),
    [],
  );
});

test('inventory in status: it is an object of its own, written once per collection', () => {
  for (const part of ['cpu', 'memory', 'disks', 'nics', 'gpus']) {
    assert.is(statusOf('Device')[part], undefined, part);
    assert.ok(schemas.get('DeviceInventory')?.properties?.spec?.properties?.[part], part);
  }
});

test('commands as annotations: they are requests in the spec, answered in the status', () => {
  for (const kind of ['Device', 'Instance']) {
    const asked = schemas.get(kind)?.properties?.spec?.properties?.requests?.properties ?? {};
    assert.ok(Object.keys(asked).length > 0, kind);
    assert.ok(statusOf(kind).requests, kind);
  }
});

/** The object with annotations of every name, all of which say "yes", and the names that were looked at. */
function annotated<T extends Device | Instance>(object: T): [T, ReadonlySet<string>] {
  const looked = new Set<string>();
  const annotations = new Proxy<Record<string, string>>(
    {},
    {
      get(_, name) {
        looked.add(String(name));
        return 'yes';
      },
    },
  );
  return [{ ...object, metadata: { ...object.metadata, annotations } }, looked];
}

test('commands as annotations: what is to be done is decided without them', () => {
  const untouched = { ...instance, spec: { ...instance.spec, requests: {} } };
  const phases = statusOf('Device').phase!.enum as readonly NonNullable<Status['phase']>[];
  for (const phase of [undefined, ...phases]) {
    const status: Status = phase ? { ...running, phase } : {};
    for (const spec of [{}, { claimRef }, { putAway: true, deviceType: 't', claimRef }]) {
      const plain: Device = {
        ...device(status),
        spec: { ...device(status).spec, claimRef: undefined, ...spec } as Device['spec'],
      };
      const [told, ofDevice] = annotated(plain);
      const [of, ofInstance] = annotated(untouched);
      const decided = (on: Device, claimant: Instance) =>
        plan({
          device: on,
          claimant: 'claimRef' in spec ? { type: 'live', instance: claimant } : { type: 'none' },
          power: 'On',
          now: 0,
          newId: (kind) => kind,
        });
      assert.equal(decided(told, of), decided(plain, untouched), `${phase} ${JSON.stringify(spec)}`);
      for (const looked of [ofDevice, ofInstance])
        assert.equal(
          [...looked].filter((name) => name !== ASKED_BY),
          [],
          'who asked is told, no more',
        );
    }
  }
});

test('every wrong has a test of its name', () => {
  const names = globSync(['controllers/**/*.test.ts', 'lib/**/*.test.ts'], { cwd: ROOT }).flatMap((file) =>
    [
      ...readFileSync(`${ROOT}${file}`, 'utf8').matchAll(/(?:[tT]est|conforms)\w*(?:\([^()]*\))?\(\s*['`]([^'`]+)/g),
    ].map(([, name]) => name!),
  );
  const missing = WRONGS.filter((wrong) => !names.some((name) => name.split(':')[0]!.includes(wrong)));
  assert.equal(missing, []);
});

test.run();
