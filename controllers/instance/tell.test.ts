import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { tell } from './tell.ts';

const instance = (spec: Partial<Instance['spec']> = {}, more: Partial<Instance> = {}): Instance => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Instance',
  metadata: { name: 'web-1', namespace: 'default', uid: 'i-uid', generation: 3 },
  spec: { image: 'debian-12', power: 'On', ...spec },
  ...more,
});
const device = (status: NonNullable<Device['status']>): Device => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: 'r1-01', uid: 'd-uid' },
  spec: { bmc: { address: 'ipmi://127.0.0.1' }, bootMACAddress: '52:54:00:00:00:01', site: 's' },
  status,
});
const installed = { instanceUID: 'i-uid', image: 'debian-12', diskSerialNumber: 'S1' };
const system = { instanceUID: 'i-uid', bootID: 'b', addresses: ['192.0.2.7'] };
const running = device({ phase: 'InUse', power: { state: 'On' }, installed, system });

const told = (of: Instance, on?: Device) =>
  tell({ instance: of, device: on, type: undefined, inventory: undefined, now: 0 });
const condition = (of: Instance, type: string, on?: Device) =>
  told(of, on).conditions?.find((each) => each.type === type);

test('Running means on and reported in, and nothing less', () => {
  assert.is(told(instance(), running).phase, 'Running');
  assert.is(condition(instance(), 'Ready', running)?.status, 'True');
  const { system: _, ...silent } = running.status!;
  assert.is(told(instance(), device(silent)).phase, 'Starting');
  assert.is(condition(instance(), 'Ready', device(silent))?.status, 'False');
});

test("what another instance left on the device is never told as this one's", () => {
  const other = device({
    phase: 'InUse',
    power: { state: 'On' },
    installed: { ...installed, instanceUID: 'x' },
    system: { ...system, instanceUID: 'x' },
  });
  const status = told(instance(), other);
  assert.is(status.phase, 'Creating');
  assert.is(status.image, undefined);
  assert.is(status.addresses, undefined);
});

test('an error of the device is the reason why the instance is not ready', () => {
  const operation = { id: 'o', kind: 'Create', step: 'write-image', index: 4, total: 8, attempt: 1, startedAt: '' };
  const error = { code: 'ImageDigestMismatch', message: 'no', count: 1, since: '', permanent: true };
  const failed = device({ phase: 'InUse', operation, error });
  assert.is(told(instance(), failed).phase, 'Failed');
  assert.is(condition(instance(), 'Ready', failed)?.reason, 'ImageDigestMismatch');
  assert.is(
    told(instance(), device({ phase: 'InUse', operation, error: { ...error, permanent: false } })).phase,
    'Creating',
  );
});

test('another image in the spec is told, with what to do', () => {
  const status = told(instance({ image: 'debian-13' }), running);
  assert.is(status.image, 'debian-12');
  assert.match(
    condition(instance({ image: 'debian-13' }), 'ReinstallRequired', running)?.message ?? '',
    'spec.requests.reinstall',
  );
  assert.is(condition(instance(), 'ReinstallRequired', running), undefined);
});

test("the scheduler's fields are left as they are", () => {
  const allocated = { cpu: '4', memory: '8Gi', placements: 1 };
  const scheduled = {
    type: 'Scheduled',
    status: 'True' as const,
    reason: 'Claimed',
    message: 'r1-01',
    lastTransitionTime: 't',
  };
  const status = told(instance({}, { status: { allocated, conditions: [scheduled] } }), running);
  assert.equal(status.allocated, allocated);
  assert.equal(
    status.conditions?.find(({ type }) => type === 'Scheduled'),
    scheduled,
  );
});

test('telling the same again changes nothing', () => {
  const once = told(instance(), running);
  assert.equal(
    tell({
      instance: instance({}, { status: once }),
      device: running,
      type: undefined,
      inventory: undefined,
      now: 99_000,
    }),
    once,
  );
});

test('a request is Running while its operation is under way, and Succeeded once the device has handled it', () => {
  const asked = instance({ requests: { restart: 'v1' } });
  const operation = {
    id: 'o',
    kind: 'Restart',
    step: 'shut-down',
    index: 1,
    total: 3,
    attempt: 1,
    startedAt: '',
    request: 'v1',
  };
  assert.is(told(asked, device({ ...running.status, operation })).requests?.restart?.result, 'Running');
  assert.is(
    told(asked, device({ ...running.status, handled: { instanceUID: 'i-uid', restart: 'v1' } })).requests?.restart
      ?.result,
    'Succeeded',
  );
  assert.is(told(asked, running).requests, undefined);
});

test('a request whose operation cannot go on has failed, with the reason; mended, it runs on; withdrawn, it says so', () => {
  const asked = instance({ requests: { resetPassword: 'v1' } });
  const operation = {
    id: 'o',
    kind: 'ResetPassword',
    step: 'shut-down',
    index: 1,
    total: 5,
    attempt: 2,
    startedAt: '',
    request: 'v1',
  };
  const error = { code: 'SecretNotFound', message: 'there is none', count: 1, since: '', permanent: true };
  const stuck = device({ ...running.status, operation, error });
  const failed = told(asked, stuck).requests?.resetPassword;
  assert.equal([failed?.result, failed?.message], ['Failed', 'SecretNotFound: there is none']);
  const before = instance({ requests: { resetPassword: 'v1' } }, { status: { requests: { resetPassword: failed! } } });
  const mended = told(before, device({ ...running.status, operation })).requests?.resetPassword;
  assert.equal([mended?.result, mended?.message], ['Running', undefined]);
  const withdrawn = instance({}, { status: { requests: { resetPassword: mended! } } });
  assert.is(told(withdrawn, device({ ...running.status, operation })).requests?.resetPassword?.result, 'Running');
  const ended = told(withdrawn, running).requests?.resetPassword;
  assert.equal([ended?.result, ended?.message], ['Failed', 'it was asked for no more']);
});

test('what is asked for and not taken up yet keeps an instance from being Ready', () => {
  const handled = { instanceUID: 'i-uid' };
  const heard = device({ ...running.status, handled });
  const asked = instance({ requests: { resetPassword: 'v1' } });
  assert.is(condition(asked, 'Ready', heard)?.reason, 'Requested');
  assert.is(condition(asked, 'Reconciling', heard)?.status, 'True');
  const done = device({ ...running.status, handled: { ...handled, resetPassword: 'v1' } });
  assert.is(condition(asked, 'Ready', done)?.status, 'True');
  assert.is(condition(asked, 'Reconciling', done), undefined);
  // A machine that is to be off is restarted by its next start.
  const off = device({ ...heard.status, power: { state: 'Off' } });
  assert.is(condition(instance({ power: 'Off', requests: { restart: 'v1' } }), 'Ready', off)?.reason, 'Stopped');
});

test('off as wanted is Ready; on against the wish is Stopping', () => {
  const off = device({ ...running.status, power: { state: 'Off' } });
  assert.is(condition(instance({ power: 'Off' }), 'Ready', off)?.status, 'True');
  assert.is(told(instance({ power: 'Off' }), running).phase, 'Stopping');
  assert.is(condition(instance({ power: 'Off' }), 'Ready', running)?.status, 'False');
});

test('power that is left other than wanted is told, with what to do', () => {
  const report = (power: 'On' | 'Off') => instance({ power, powerDrift: 'Report' });
  const at = (wanted: 'On' | 'Off', state: 'On' | 'Off') =>
    device({ ...running.status!, power: { state }, handled: { instanceUID: 'i-uid', power: wanted } });
  assert.is(told(report('On'), at('On', 'Off')).phase, 'Stopped');
  assert.is(condition(report('On'), 'Ready', at('On', 'Off'))?.reason, 'PowerDrifted');
  assert.match(condition(report('On'), 'Ready', at('On', 'Off'))!.message, 'a restart turns it on');
  assert.is(told(report('Off'), at('Off', 'On')).phase, 'Running');
  assert.match(condition(report('Off'), 'Ready', at('Off', 'On'))!.message, 'powerDrift Correct turns it off');
  assert.is(condition(report('On'), 'Ready', at('On', 'On'))?.reason, 'Running');
  assert.is(condition(instance(), 'Ready', at('On', 'Off'))?.reason, 'Starting');
});

test('what only a person can mend is Stalled, what goes on is Reconciling, and never both', () => {
  const error = { code: 'ImageDigestMismatch', message: 'no', count: 1, since: '' };
  const states: [Device | undefined, 'Stalled' | 'Reconciling' | undefined][] = [
    [undefined, 'Reconciling'],
    [running, undefined],
    [device({ ...running.status, error }), 'Reconciling'],
    [device({ ...running.status, error: { ...error, permanent: true } }), 'Stalled'],
    [device({ phase: 'Removed' }), 'Stalled'],
    [device({ phase: 'Maintenance', error: { ...error, permanent: true } }), 'Reconciling'],
  ];
  for (const [on, expected] of states) {
    for (const type of ['Stalled', 'Reconciling'] as const)
      assert.is(condition(instance(), type, on)?.status, type === expected ? 'True' : undefined, `${type} ${expected}`);
  }
  assert.is(condition(instance({ image: 'debian-13' }), 'Stalled', running)?.reason, 'ImageChanged');
});

test('it is told how far the Placements have left, for what, and how to go on without them', () => {
  const claims = ['a', 'b', 'c'].map((name) => ({ uid: name, name, cpu: '1', memory: '1Gi' }));
  const host = (left: number, before: Instance['status'] = {}) =>
    instance(
      { vmHost: { enabled: true }, requests: { reinstall: 'now' } },
      { status: { ...before, allocated: { placements: left, claims: claims.slice(0, left) } } },
    );
  const used = device({ ...running.status!, handled: { instanceUID: 'i-uid' } });
  const first = told(host(3), used);
  assert.equal(first.drain, { for: 'Reinstall', of: 3, left: 3, since: '1970-01-01T00:00:00Z' });
  const later = told(host(1, first), used);
  assert.equal(later.drain, { ...first.drain, left: 1 });
  const drained = later.conditions?.find(({ type }) => type === 'Drained');
  assert.is(drained?.status, 'False');
  assert.match(drained!.message, /^1 of 3 Placements are left: a; .* set spec.vmHost.drainSeconds to 0 to go on/);
  assert.is(later.conditions?.find(({ type }) => type === 'Ready')?.reason, 'Draining');
  const last = told(host(0, later), used);
  assert.is(last.conditions?.find(({ type }) => type === 'Drained')?.status, 'True');
  assert.is(last.conditions?.find(({ type }) => type === 'Ready')?.reason, 'Requested');
  const after = { ...last, requests: { reinstall: { value: 'now', result: 'Succeeded' as const } } };
  assert.is(told(host(0, after), used).drain, undefined);
  assert.is(condition(host(0, after), 'Drained', used), undefined);
});

test('volumes that are wanted otherwise than they are made are told, and nothing is done about it', () => {
  const partitions = [{ id: 'p', fileSystem: 'xfs' as const, mountPoint: '/srv' }];
  const volumes = [{ name: 'data', disks: ['S2', 'S3'], raidLevel: 'RAID1' as const, arrayID: 'a', partitions }];
  const on = device({ ...running.status!, volumes });
  const changed = (volume: object) =>
    condition(instance({ volumes: [{ name: 'data', ...volume }] }), 'ReinstallRequired', on);
  assert.is(changed({}), undefined);
  assert.is(changed({ raidLevel: 'RAID1', partitions: [{ fileSystem: 'xfs', mountPoint: '/srv' }] }), undefined);
  assert.is(changed({ raidLevel: 'RAID0' })?.reason, 'VolumesChanged');
  assert.match(
    changed({ raidLevel: 'RAID0' })!.message,
    /^volume data is RAID1, RAID0 is wanted: set spec.reinstallDisks/,
  );
  assert.match(
    changed({ partitions: [{ fileSystem: 'swap' }] })!.message,
    'volume data holds xfs on /srv, swap is wanted',
  );
});

test.run();
