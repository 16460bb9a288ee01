import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Orders, Report } from '../protocol.ts';
import type { SessionOpening } from './backend.ts';
import { Mailbox } from './mailbox.ts';
import type { SessionClaims } from './tokens.ts';

const opening = (nonceHash: string, boot = 1): SessionOpening => ({
  device: 'r1-01',
  deviceUID: 'd-1',
  operationId: 'o-1',
  boot,
  nonceHash,
  agentVersion: '1',
  identity: { serialNumber: 'S1', macAddresses: [] },
  disks: [],
});
const expiresAt = '2026-01-01T00:10:00Z';
const session = (nonceHash: string, boot = 1): SessionClaims => {
  const { device, deviceUID, operationId } = opening(nonceHash, boot);
  return { device, deviceUID, operationId, boot, nonceHash, expiresAt };
};
const wipe = (step: string): Orders => ({
  task: { id: `o-1/${step}/1`, kind: 'wipe', diskSerialNumbers: [] },
  reportAfterMs: 1000,
});
const running = (step: string, percent = 1): Report => ({
  task: { id: `o-1/${step}/1`, kind: 'wipe', state: 'running', percent },
});
const done = (step: string): Report => ({
  task: { id: `o-1/${step}/1`, kind: 'wipe', state: 'succeeded', percent: 100, result: { disks: [] } },
});
const never = new AbortController().signal;

function mailbox(now = () => 7) {
  const changes: string[] = [];
  const box = new Mailbox({
    boot: () => undefined,
    onChange: (device) => changes.push(device),
    agentLog: () => undefined,
    now,
  });
  return { box, changes };
}

test('an opening waits until it is granted, and the same nonce is granted again', async () => {
  const { box, changes } = mailbox();
  const asked = box.openSession(opening('n1'), never);
  assert.equal(changes, ['r1-01']);
  assert.is(box.get('r1-01').opening?.nonceHash, 'n1');
  box.grantSession('r1-01', session('n1'), expiresAt);
  assert.equal(await asked, { expiresAt });
  assert.is(box.get('r1-01').opening, undefined);
  assert.equal(await box.openSession(opening('n1'), never), { expiresAt });
  assert.is(changes.length, 1, 'the controller has no more to say');
});

test('a refused opening is told why; another one still waits for its own answer', async () => {
  const { box } = mailbox();
  const first = box.openSession(opening('n1'), never);
  box.refuseSession('r1-01', session('n1'), 'serial number S1, not S2');
  assert.equal(await first, { refuse: 'invalid', message: 'serial number S1, not S2' });
  assert.equal(await box.openSession(opening('n1'), never), { refuse: 'invalid', message: 'serial number S1, not S2' });
  const ended = new AbortController();
  const second = box.openSession(opening('n2'), ended.signal);
  ended.abort();
  assert.equal(await second, { refuse: 'later', message: 'the operator has not recorded this yet' });
  assert.is(box.get('r1-01').opening, undefined);
});

test('an agent whose report is held is heard all the while', async () => {
  let now = 0;
  const { box } = mailbox(() => now);
  box.grantSession('r1-01', session('n1'), expiresAt);
  const ended = new AbortController();
  const held = box.report(session('n1'), {}, ended.signal);
  now = 60_000;
  assert.is(box.get('r1-01').report?.heardAt, 60_000);
  now = 61_000;
  ended.abort();
  await held;
  now = 90_000;
  assert.is(box.get('r1-01').report?.heardAt, 61_000, 'no longer than its request was there');
});

test('orders are held until they are news to the agent', async () => {
  const { box, changes } = mailbox();
  box.grantSession('r1-01', session('n1'), expiresAt);
  const idle = box.report(session('n1'), {}, never);
  box.setOrders('r1-01', session('n1'), wipe('a'));
  assert.equal(await idle, wipe('a'));
  assert.equal(await box.report(session('n1'), running('a'), never), wipe('a'), 'a running task is answered at once');
  const finished = box.report(session('n1'), done('a'), never);
  assert.equal(box.get('r1-01').report, { session: session('n1'), report: done('a'), heardAt: 7 });
  box.setOrders('r1-01', session('n1'), wipe('a'));
  box.setOrders('r1-01', session('n1'), wipe('b'));
  assert.equal(await finished, wipe('b'));
  assert.equal(changes, ['r1-01', 'r1-01', 'r1-01']);
});

test('a repeated report does not wake the controller again', async () => {
  const { box, changes } = mailbox();
  box.setOrders('r1-01', session('n1'), wipe('a'));
  await box.report(session('n1'), running('a', 1), never);
  await box.report(session('n1'), running('a', 1), never);
  await box.report(session('n1'), running('a', 2), never);
  assert.is(changes.length, 2);
});

test('a result of a task that is not wanted is refused and not kept', async () => {
  const { box } = mailbox();
  box.setOrders('r1-01', session('n1'), wipe('b'));
  const answer = await box.report(session('n1'), done('a'), never);
  assert.equal(answer, { refuse: 'stale', message: 'task o-1/a/1 is not what is wanted' });
  assert.is(box.get('r1-01').report, undefined);
});

test('a fresh mailbox takes a report in and refuses nobody before the controller has spoken', async () => {
  const { box, changes } = mailbox();
  const ended = new AbortController();
  const early = box.report(session('n1'), done('a'), ended.signal);
  assert.equal(changes, ['r1-01']);
  assert.equal(box.get('r1-01').report?.report, done('a'));
  ended.abort();
  assert.equal(await early, { refuse: 'later', message: 'the operator has not recorded this yet' });
  const again = box.report(session('n1'), done('a'), never);
  box.setOrders('r1-01', session('n1'), wipe('b'));
  assert.equal(await again, wipe('b'));
});

test('the next boot’s session ends the last one’s, also while its report is held', async () => {
  const { box } = mailbox();
  box.setOrders('r1-01', session('n1'), { reportAfterMs: 1000 });
  const held = box.report(session('n1'), {}, never);
  box.grantSession('r1-01', session('n2', 2), expiresAt);
  const over = { refuse: 'invalid', message: 'this session has ended' };
  assert.equal(await held, over);
  assert.equal(await box.report(session('n1'), {}, never), over);
  box.endSession('r1-01');
  assert.equal(await box.report(session('n2', 2), {}, never), over);
});

test('a system’s report waits until its boot is recorded, and is then answered at once', async () => {
  const { box, changes } = mailbox();
  const claims = { device: 'r1-01', deviceUID: 'd-1', instanceUID: 'i-1' };
  const report = { instanceUID: 'i-1', bootID: 'b-1', hostname: 'web-1', addresses: [] };
  const asked = box.systemReport(claims, report, never);
  assert.equal(box.get('r1-01').system, { claims, report, receivedAt: 7 });
  box.ackSystem('r1-01', 'b-1');
  assert.is(await asked, undefined);
  assert.is(await box.systemReport(claims, report, never), undefined);
  assert.is(changes.length, 1);
  const other = box.systemReport(claims, { ...report, bootID: 'b-2' }, never);
  box.refuseSystem('r1-01', 'b-2', 'released');
  assert.equal(await other, { refuse: 'invalid', message: 'released' });
});

test('what waits for a device that is gone is refused', async () => {
  const { box } = mailbox();
  const held = box.report(session('n1'), {}, never);
  const asked = box.openSession(opening('n1'), never);
  box.forget('r1-01');
  const gone = { refuse: 'invalid', message: 'the device is gone' };
  assert.equal([await held, await asked], [gone, gone]);
  assert.equal(box.get('r1-01'), {});
});

test('beyond its capacity it drops what was untouched for longest, but nothing that somebody waits for', async () => {
  const box = new Mailbox({
    boot: () => undefined,
    onChange: () => undefined,
    agentLog: () => undefined,
    now: () => 0,
    capacity: 2,
  });
  const ended = new AbortController();
  const held = box.report({ ...session('n'), device: 'a' }, {}, ended.signal);
  for (const device of ['b', 'c', 'd']) {
    box.setOrders(device, session('n'), wipe('a'));
    await box.report({ ...session('n'), device }, running('a'), never);
  }
  assert.equal(
    ['a', 'b', 'c', 'd'].map((device) => box.get(device).report !== undefined),
    [true, false, false, true],
  );
  ended.abort();
  await held;
});

test.run();
