import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import { OPERATIONS } from '../../lib/provision/operations/operations.ts';
import { createRandom } from '../../lib/testing/random.ts';
import { arrow, type Claimant, concluded, plan, type View } from './plan.ts';
import { advanced, compact, failed, kindOf, type Phase, type Status } from './status.ts';

type Spec = Partial<Device['spec']>;

const device = (spec: Spec = {}, status?: Status, meta: Partial<Device['metadata']> = {}): Device => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: 'd', uid: 'd-uid', ...meta },
  spec: { bmc: { address: 'ipmi://127.0.0.1' }, bootMACAddress: '52:54:00:00:00:01', site: 's', ...spec },
  ...(status && { status }),
});
const instance = (spec: Partial<Instance['spec']> = {}, meta: Partial<Instance['metadata']> = {}): Instance => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Instance',
  metadata: { name: 'web-1', namespace: 'default', uid: 'i-uid', ...meta },
  spec: { image: 'debian-12', power: 'On', ...spec },
});
const claimRef = { namespace: 'default', name: 'web-1', uid: 'i-uid' };
const live = (spec?: Partial<Instance['spec']>, meta?: Partial<Instance['metadata']>): Claimant => ({
  type: 'live',
  instance: instance(spec, meta),
});
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };

let ids = 0;
const view = (of: Device, claimant: Claimant, power?: 'On' | 'Off'): View => ({
  device: of,
  claimant,
  power,
  now: 0,
  newId: (kind) => `${kind}-${++ids}`,
});
const planned = (of: Device, claimant: Claimant = { type: 'none' }, power?: 'On' | 'Off'): Status =>
  plan(view(of, claimant, power));

/** Runs the operation under way to its end, as if every step were seen done. */
function finished(status: Status): Status {
  let now = status;
  while (now.operation) {
    const before = now.operation;
    now = advanced(now, 0);
    if (now.operation?.step === 'power-down' && before.step === 'write-seed') {
      now = { ...now, installed: { instanceUID: before.instanceUID!, image: 'debian-12' } };
    }
    if (!now.operation)
      now = concluded(now, compact({ kind: kindOf(before), instanceUID: before.instanceUID, request: before.request }));
  }
  return now;
}

const inUse: Status = {
  phase: 'InUse',
  dirty: true,
  deviceType: 't',
  installed: { instanceUID: 'i-uid' },
  handled: { instanceUID: 'i-uid' },
  system: { instanceUID: 'i-uid', bootID: 'b' },
};
const kind = (status: Status) => status.operation?.kind;

test('a new Device is registered, collected, and stays Imported until it is put away', () => {
  const registering = planned(device());
  assert.is(registering.phase, 'Registering');
  assert.is(kind(registering), 'Register');
  const collecting = planned(device({}, finished(registering)));
  assert.is(collecting.phase, 'Collecting');
  const imported = planned(device({}, finished(collecting)));
  assert.is(imported.phase, 'Imported');
  assert.is(kind(imported), undefined);
  const puttingAway = planned(device({ putAway: true, deviceType: 't' }, imported));
  assert.is(kind(puttingAway), 'PutAway');
  assert.is(planned(device({ putAway: true, deviceType: 't' }, finished(puttingAway))).phase, 'Available');
});

test('a claimed Device is created on, and what its Instance asks for from the start counts as done by that', () => {
  const offered: Status = { phase: 'Available', deviceType: 't' };
  const spec = { putAway: true, deviceType: 't', claimRef };
  const creating = planned(device(spec, offered), live({ requests: { restart: 'a' } }), 'Off');
  assert.is(creating.phase, 'InUse');
  assert.is(kind(creating), 'Create');
  assert.equal(creating.handled, { instanceUID: 'i-uid', restart: 'a' });
});

test('another image in the spec alone never installs anything', () => {
  const same = planned(device({ claimRef }, inUse), live({ image: 'another' }), 'On');
  assert.is(same.operation, undefined);
  assert.equal(same.installed, inUse.installed);
});

test('the power is kept as wanted', () => {
  assert.is(kind(planned(device({ claimRef }, inUse), live({ power: 'Off' }), 'On')), 'Stop');
  const { system: _, ...off } = inUse;
  assert.is(kind(planned(device({ claimRef }, off), live(), 'Off')), 'Start');
  assert.is(kind(planned(device({ claimRef }, off), live({ power: 'Off' }), 'Off')), undefined);
  assert.is(kind(planned(device({ claimRef }, inUse), live(), 'On')), undefined);
});

test('power that somebody else changes is left so where it is only to be reported, until a person asks for something', () => {
  const report = (spec: Partial<Instance['spec']> = {}) => live({ powerDrift: 'Report', ...spec });
  const came = planned(device({ claimRef }, inUse), report(), 'On');
  assert.equal(came.handled, { instanceUID: 'i-uid', power: 'On' });
  const { system: _, ...off } = came;
  assert.is(kind(planned(device({ claimRef }, off), report(), 'Off')), undefined);
  assert.is(kind(planned(device({ claimRef }, off), live(), 'Off')), 'Start', 'by default it is set right');
  assert.is(kind(planned(device({ claimRef }, off), report({ requests: { restart: 'v1' } }), 'Off')), 'Start');
  assert.is(kind(planned(device({ claimRef }, came), report({ power: 'Off' }), 'On')), 'Stop', 'another wish');
  const stopped = planned(device({ claimRef }, off), report({ power: 'Off' }), 'Off');
  assert.is(stopped.handled?.power, 'Off');
  assert.is(kind(planned(device({ claimRef }, stopped), report({ power: 'Off' }), 'On')), undefined);
  assert.is(kind(planned(device({ claimRef }, inUse), report(), 'Off')), 'Start', 'it never was as wanted');
});

test('each new value of a request asks once', () => {
  for (const [name, wanted] of [
    ['restart', 'Restart'],
    ['reinstall', 'Reinstall'],
    ['resetPassword', 'ResetPassword'],
  ] as const) {
    const asked = planned(device({ claimRef }, inUse), live({ requests: { [name]: 'v1' } }), 'On');
    assert.is(kind(asked), wanted);
    const done = { ...finished(asked), installed: inUse.installed!, system: inUse.system! };
    assert.is(
      kind(planned(device({ claimRef }, done), live({ requests: { [name]: 'v1' } }), 'On')),
      undefined,
      `${name} again`,
    );
    assert.is(kind(planned(device({ claimRef }, done), live({ requests: { [name]: 'v2' } }), 'On')), wanted);
  }
});

test('a restart is seen through the moment when the machine is off', () => {
  const asked = live({ requests: { restart: 'v1' } });
  const restarting = planned(device({ claimRef }, inUse), asked, 'On');
  const { system: _, ...off } = advanced(restarting, 0);
  const status = planned(device({ claimRef }, off), asked, 'Off');
  assert.is(status.operation?.id, restarting.operation?.id);
  assert.is(status.operation?.step, 'disk-boot');
});

test('a machine that is off is restarted by being started, once', () => {
  const { system: _, ...off } = inUse;
  const starting = planned(device({ claimRef }, off), live({ requests: { restart: 'v1' } }), 'Off');
  assert.is(kind(starting), 'Start');
  assert.is(finished(starting).handled?.restart, 'v1');
  // On its way up it is not turned off again for the very same request.
  const on = planned(device({ claimRef }, advanced(starting, 0)), live({ requests: { restart: 'v1' } }), 'On');
  assert.is(on.operation?.id, starting.operation?.id);
  const again = planned(device({ claimRef }, on), live({ requests: { restart: 'v2' } }), 'On');
  assert.is(kind(again), 'Restart', 'for another one it is');
});

const standing = { now: 0, inputs: '', backoff: { initialMs: 1000, maxMs: 1000 }, random: () => 0 };

test('what failed and stands still makes way for the same asked for anew: it is done once for both', () => {
  const requests = { reinstall: 'v1' };
  const begun = planned(device({ claimRef }, inUse), live({ requests }), 'On');
  for (const [code, isHeld] of [
    ['ImageNotFound', true],
    ['BootTimeout', true],
    [undefined, false],
  ] as const) {
    const status = code ? failed(begun, new Failure(code, 'it failed'), standing) : begun;
    const asked = planned(device({ claimRef }, status), live({ requests: { reinstall: 'v2' } }), 'On');
    assert.is(asked.operation?.request, isHeld ? 'v2' : 'v1', code);
    assert.is(asked.error, undefined);
    const wiped = live({ requests: { reinstall: 'v2' }, reinstallDisks: 'All' });
    assert.is(kind(planned(device({ claimRef }, status), wiped, 'On')), isHeld ? 'ReinstallWiped' : 'Reinstall', code);
  }
  // Its disk was written to already: still no installation that nobody asked for.
  const { installed: _, ...torn } = failed(begun, new Failure('ImageDigestMismatch', 'it is another'), standing);
  const asked = planned(device({ claimRef }, torn), live({ requests: { reinstall: 'v2' } }), 'On');
  assert.equal([kind(asked), asked.operation?.request], ['Reinstall', 'v2']);
  assert.is(planned(device({ claimRef }, torn), live(), 'On').operation?.id, begun.operation?.id);
});

test('what failed and stands still ends when it is asked for no more, and the machine is brought back', () => {
  const begun = planned(device({ claimRef }, inUse), live({ requests: { resetPassword: 'v1' } }), 'On');
  const stuck = failed(begun, new Failure('SecretNotFound', 'there is none'), standing);
  const ended = planned(device({ claimRef }, stuck), live(), 'On');
  assert.is(ended.operation, undefined);
  assert.is(ended.error, undefined);
  assert.equal(ended.installed, inUse.installed);
  assert.equal([ended.history?.at(-1)?.kind, ended.history?.at(-1)?.result], ['ResetPassword', 'Aborted']);
  const { system: _, ...booted } = stuck;
  assert.is(kind(planned(device({ claimRef }, booted), live(), 'On')), 'Restart', 'out of the live OS');
  assert.is(kind(planned(device({ claimRef }, booted), live(), 'Off')), 'Start');
  assert.is(kind(planned(device({ claimRef }, booted), live({ power: 'Off' }), 'On')), 'Stop');
  assert.is(planned(device({ claimRef }, begun), live(), 'On').operation?.id, begun.operation?.id, 'not while it runs');
});

test('a deleted Instance is wiped off, a locked one is not touched', () => {
  const cleaning = planned(device({ claimRef }, inUse), live({}, deleting), 'On');
  assert.is(cleaning.phase, 'Cleaning');
  assert.is(kind(cleaning), 'Clean');
  assert.is(finished(cleaning).releasedClaimUID, 'i-uid');
  assert.is(planned(device({ claimRef }, inUse), live({ locked: true }, deleting), 'On').phase, 'InUse');
});

test('BMO 3468: a Device that is being deleted and cannot be cleaned lets go of its Instance, whatever errors there were, and is gone', () => {
  const gone = { ...device({ claimRef }), metadata: { ...device().metadata, ...deleting } };
  const unwanted = live({}, deleting);
  const retry = { now: 0, inputs: '', backoff: { initialMs: 1, maxMs: 1 }, random: () => 0 };
  let status = planned({ ...gone, status: inUse }, unwanted, 'On');
  for (const code of ['BMCUnreachable', 'BMCTimeout', 'BMCUnreachable'] as const) {
    assert.is(planned({ ...gone, status }, unwanted, 'On').phase, 'Cleaning');
    status = failed(status, new Failure(code, 'no answer'), retry);
  }
  assert.is(planned({ ...device({ claimRef }), status }, unwanted, 'On').phase, 'Cleaning', 'only where it is deleted');
  const removed = planned({ ...gone, status }, unwanted, 'On');
  assert.is(removed.phase, 'Removed');
  assert.is(removed.releasedClaimUID, 'i-uid');
  assert.is(removed.operation, undefined);
  assert.is(removed.dirty, true);
});

test('a Device that was put aside and is brought back may be claimed by the Instance that it failed at', () => {
  const quarantine = { code: 'DiskFailed', message: 'it failed', since: '2026-01-01T00:00:00Z' };
  const aside: Status = { phase: 'Removed', deviceType: 't', quarantine, releasedClaimUID: 'i-uid' };
  const lift = { requests: { liftQuarantine: 'v1' }, putAway: true, deviceType: 't' };
  const claimed = planned(device({ ...lift, claimRef }, aside), live(), 'Off');
  assert.ok(claimed.quarantine, 'not while the claim that is given up still stands there');
  const { releasedClaimUID: _, ...cleaning } = aside;
  assert.ok(planned(device({ ...lift, claimRef }, cleaning), live(), 'Off').quarantine, 'nor before it is given up');
  const back = finished(planned(device(lift, aside), undefined, 'Off'));
  assert.is(back.quarantine, undefined);
  const offered = planned(device(lift, back), undefined, 'Off');
  assert.is(offered.phase, 'Available');
  assert.is(planned(device({ ...lift, claimRef }, offered), live(), 'Off').phase, 'InUse');
});

test('a Device that nothing was written to is released without a wipe', () => {
  const { dirty: _, installed: _installed, ...clean } = inUse;
  assert.is(kind(planned(device({ claimRef }, clean), live({}, deleting))), 'Release');
});

test('releasePolicy Keep leaves disks and power alone until a person puts the Device away again', () => {
  const removed = planned(
    device({ claimRef, putAway: true, deviceType: 't' }, inUse),
    live({ releasePolicy: 'Keep' }, deleting),
    'On',
  );
  assert.is(removed.phase, 'Removed');
  assert.is(removed.operation, undefined);
  assert.is(removed.releasedClaimUID, 'i-uid');
  assert.is(planned(device({ putAway: true, deviceType: 't' }, removed)).phase, 'Removed');
  const takenDown = planned(device({ putAway: false, deviceType: 't' }, removed));
  assert.is(takenDown.phase, 'Removed');
  assert.is(kind(planned(device({ putAway: true, deviceType: 't' }, takenDown))), 'Clean');
});

test('a claim whose Instance vanished proves nothing: the disks stay as they are', () => {
  const status = planned(device({ claimRef }, inUse), { type: 'gone', uid: 'i-uid' }, 'On');
  assert.is(status.phase, 'Removed');
  assert.equal(status.installed, inUse.installed);
});

test('ironcore 1108: a restored backup that says somebody has the machine is not booted to look at it', () => {
  const registered = finished(planned(device({ claimRef }), live()));
  const status = planned(device({ claimRef }, registered), live(), 'On');
  assert.is(status.phase, 'Removed');
  assert.is(status.operation, undefined);
});

test('maintenance is hands off, and ends where it began', () => {
  const creating = planned(device({ claimRef }, { phase: 'Available', deviceType: 't' }), live(), 'Off');
  const held = planned(device({ claimRef, maintenance: { enabled: true } }, creating), live(), 'On');
  assert.is(held.phase, 'Maintenance');
  assert.equal(held.operation, creating.operation);
  assert.equal(planned(device({ claimRef }, held), live(), 'Off').operation, creating.operation);
  assert.is(planned(device({ claimRef }, held), live(), 'Off').phase, 'InUse');
});

test('a Device that nobody has is turned off before it goes; one in use stays', () => {
  assert.is(kind(planned(device({}, { phase: 'Available' }, deleting), { type: 'none' }, 'On')), 'Remove');
  assert.is(planned(device({ claimRef }, inUse, deleting), live(), 'On').phase, 'InUse');
});

test('what somebody else runs is read and left alone; given to the operator, it is wiped before it is offered', () => {
  const adopted = finished(planned(device({ adopted: true })));
  const status = planned(device({ adopted: true }, adopted), { type: 'none' }, 'On');
  assert.is(status.phase, 'Adopted');
  const asked = planned(device({ adopted: true, requests: { collect: 'x' } }, status), { type: 'none' }, 'On');
  assert.is(asked.operation, undefined);
  assert.is(planned(device({ adopted: true }, status, deleting), { type: 'none' }, 'On').operation, undefined);
  const given = planned(device({ adopted: false }, status), { type: 'none' }, 'On');
  assert.equal([given.phase, given.dirty, given.operation], ['Removed', true, undefined]);
});

const ARROWS: Record<Phase | 'New', readonly Phase[]> = {
  New: ['Registering', 'Maintenance'],
  Registering: ['Adopted', 'Collecting', 'Removed', 'Maintenance'],
  Adopted: ['Removed', 'Maintenance'],
  Collecting: ['Imported', 'Maintenance'],
  Imported: ['PuttingAway', 'Collecting', 'Maintenance'],
  PuttingAway: ['Available', 'Imported', 'Maintenance'],
  Available: ['InUse', 'Imported', 'PuttingAway', 'Maintenance'],
  InUse: ['Cleaning', 'Removed', 'Maintenance'],
  Cleaning: ['Available', 'Removed', 'Maintenance'],
  Removed: ['Cleaning', 'Maintenance'],
  Maintenance: [
    'Registering',
    'Adopted',
    'Collecting',
    'Imported',
    'PuttingAway',
    'Available',
    'InUse',
    'Cleaning',
    'Removed',
  ],
};

/** A random change of what people want, of the power, or one step of the operation seen done. */
function disturbed(state: { device: Device; claimant: Claimant; power: 'On' | 'Off' }, random: () => number) {
  const { device: of } = state;
  const pick = Math.floor(random() * 9);
  const spec = (change: Spec) => ({ ...state, device: { ...of, spec: { ...of.spec, ...change } } });
  if (pick === 0) return spec({ putAway: random() < 0.7, deviceType: 't' });
  if (pick === 1) return spec({ maintenance: { enabled: random() < 0.3 } });
  if (pick === 2)
    return spec({
      requests: { collect: String(Math.floor(random() * 3)), resetStatus: String(Math.floor(random() * 3)) },
    });
  if (pick === 3) return { ...state, power: random() < 0.5 ? ('On' as const) : ('Off' as const) };
  if (pick === 4 && of.status?.phase === 'Available' && !of.spec.claimRef)
    return { ...spec({ claimRef }), claimant: live() };
  if (pick === 4 && of.spec.claimRef && of.status?.releasedClaimUID === of.spec.claimRef.uid) {
    const { claimRef: _, ...rest } = of.spec;
    const { releasedClaimUID: _uid, ...status } = of.status;
    return { ...state, device: { ...of, spec: rest, status }, claimant: { type: 'none' } as const };
  }
  if (pick === 5 && state.claimant.type === 'live') {
    const asked = { restart: String(Math.floor(random() * 4)), reinstall: String(Math.floor(random() * 4)) };
    return { ...state, claimant: live({ power: random() < 0.5 ? 'On' : 'Off', requests: asked }) };
  }
  if (pick === 6 && state.claimant.type === 'live')
    return { ...state, claimant: random() < 0.5 ? live({}, deleting) : state.claimant };
  return { ...state, device: { ...of, status: of.status?.operation ? finishedStep(of.status) : (of.status ?? {}) } };
}

function finishedStep(status: Status): Status {
  const before = status.operation!;
  const now = advanced(status, 0);
  if (now.operation)
    return before.step === 'write-seed' ? { ...now, installed: { instanceUID: before.instanceUID! } } : now;
  return concluded(now, compact({ kind: kindOf(before), instanceUID: before.instanceUID, request: before.request }));
}

test('whatever happens, phases change only along the arrows, and steps stay within their operation', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    let state: { device: Device; claimant: Claimant; power: 'On' | 'Off' } = {
      device: device(),
      claimant: { type: 'none' },
      power: 'Off',
    };
    for (let turn = 0; turn < 150; turn++) {
      const next = disturbed(state, random);
      const now = view(next.device, next.claimant, next.power);
      let status = next.device.status ?? {};
      for (let to = arrow(now, status); to !== status; to = arrow(now, status)) {
        const from = status.phase ?? 'New';
        const phase = to.phase ?? 'New';
        assert.ok(
          from === phase || (phase !== 'New' && ARROWS[from].includes(phase)),
          `seed ${seed}: ${from} → ${to.phase}`,
        );
        status = to;
      }
      assert.equal(
        status,
        plan({ ...now, newId: () => status.operation?.id ?? '' }),
        `seed ${seed}: one pass ends elsewhere`,
      );
      if (status.operation) {
        const steps: readonly string[] = OPERATIONS[kindOf(status.operation)];
        assert.is(steps[status.operation.index - 1], status.operation.step, `seed ${seed}`);
      }
      state = { ...next, device: { ...next.device, status } };
    }
  }
});

test('what hosts VMs is not wiped or installed anew before they have left, or the time for it is over', () => {
  const ledger = (placements: number, since = '1970-01-01T00:00:00Z') => ({
    allocated: { placements, claims: [{ uid: 'p', name: 'vm-1', cpu: '1', memory: '1Gi' }].slice(0, placements) },
    drain: { for: 'Release' as const, of: 1, left: placements, since },
  });
  const host = (
    spec: Partial<Instance['spec']>,
    meta: Partial<Instance['metadata']>,
    status: Instance['status'],
  ): Claimant => ({ type: 'live', instance: { ...instance(spec, meta), ...(status && { status }) } });
  const used = device({ claimRef }, { ...inUse, handled: { instanceUID: 'i-uid' } });
  const kindAfter = (claimant: Claimant) => planned(used, claimant, 'On').operation?.kind;
  const drainSeconds = (seconds: number) => ({ vmHost: { enabled: true, drainSeconds: seconds } });
  const reinstall = { requests: { reinstall: 'now' } };

  assert.is(kindAfter(host({}, deleting, ledger(1))), undefined);
  assert.is(kindAfter(host({}, deleting, ledger(0))), 'Clean');
  assert.is(kindAfter(host(drainSeconds(1), deleting, ledger(1))), undefined);
  assert.is(kindAfter(host(drainSeconds(0), deleting, ledger(1))), 'Clean');
  assert.is(kindAfter(host(drainSeconds(60), deleting, ledger(1, '1969-12-31T23:58:00Z'))), 'Clean');
  assert.is(kindAfter(host(reinstall, {}, ledger(1))), undefined);
  assert.is(kindAfter(host(reinstall, {}, ledger(0))), 'Reinstall');
  assert.is(kindAfter(host({ ...reinstall, ...drainSeconds(0) }, {}, ledger(1))), 'Reinstall');
  // What the VMs need meanwhile is done.
  assert.is(planned(used, host({}, deleting, ledger(1)), 'Off').operation?.kind, 'Start');
});

test.run();
