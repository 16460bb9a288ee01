import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from './failures.ts';
import {
  missed,
  type Observed,
  OPERATIONS,
  type OperationKind,
  retryIndex,
  STEPS,
  type StepName,
} from './operations.ts';

const seen: Observed = { now: 1000, agentAdmitted: false, systemReported: false, hardwareMismatches: [] };
const context = { startedAt: 0, listeningSince: 0, graceMs: 60_000, silenceMs: 30_000 };
const judge = (step: StepName, observed: Partial<Observed> = {}) =>
  STEPS[step].judge({ ...seen, ...observed }, context);
const kinds = Object.keys(OPERATIONS) as OperationKind[];

test('a missed deadline says what was awaited and what was seen instead', () => {
  for (const step of Object.keys(STEPS) as StepName[]) {
    const { code, message } = missed(step, { ...seen, power: 'Off' });
    assert.is(code, STEPS[step].late);
    assert.match(
      message,
      new RegExp(`^${step} took longer than \\d+ s: waited for .+; the BMC says that the power is Off$`),
    );
  }
  const task = { id: 't', kind: 'wipe', state: 'running', percent: 40 } as const;
  assert.match(missed('wipe', { ...seen, task }).message, /the agent says running at 40 %$/);
});

test('a failed step begins again at itself or at the step before it that leaves the machine off', () => {
  for (const kind of kinds) {
    const steps: readonly StepName[] = OPERATIONS[kind];
    steps.forEach((step, index) => {
      const back = retryIndex(kind, index);
      assert.ok(back <= index, `${kind}/${step} goes back`);
      if (STEPS[step].again === 'step') assert.is(back, index);
      else if (back > 0)
        assert.ok(
          ['power-off', 'shut-down', 'power-down'].includes(steps[back]!),
          `${kind}/${step} from ${steps[back]}`,
        );
    });
  }
});

test('whatever the agent does, the machine was off before it was booted for it', () => {
  for (const kind of kinds) {
    const steps: readonly StepName[] = OPERATIONS[kind];
    const boot = steps.indexOf('network-boot');
    if (boot >= 0) assert.ok(['power-off', 'shut-down'].includes(steps[boot - 1]!), kind);
    const agent = steps.indexOf('await-agent');
    if (agent >= 0) assert.is(steps[agent - 1], 'network-boot');
  }
});

test('ironcore 1039: power steps are done only when the BMC said so', () => {
  assert.equal(judge('power-off', { power: 'Off' }), { type: 'done' });
  assert.equal(judge('power-off', { power: 'On' }), { type: 'act', effect: { type: 'power', action: 'off' } });
  assert.equal(judge('disk-boot', { power: 'On' }), { type: 'done' });
  assert.equal(judge('disk-boot', { power: 'Off', bootDevice: 'pxe' }), {
    type: 'act',
    effect: { type: 'boot-device', device: 'disk' },
  });
  assert.equal(judge('network-boot', { power: 'Off', bootDevice: 'pxe' }), {
    type: 'act',
    effect: { type: 'power', action: 'on' },
  });
});

test('a running system is asked to shut down, and turned off hard after its grace time', () => {
  const soft = { type: 'act', effect: { type: 'power', action: 'soft' } };
  const hard = { type: 'act', effect: { type: 'power', action: 'off' } };
  assert.equal(judge('shut-down', { power: 'On', systemReported: true }), soft);
  assert.equal(judge('shut-down', { power: 'On', systemReported: true, now: 60_001 }), hard);
  assert.equal(judge('shut-down', { power: 'On' }), hard);
  assert.equal(judge('shut-down', { power: 'Off', systemReported: true }), { type: 'done' });
});

test('running means that the BMC says on and the system reported in', () => {
  assert.equal(judge('await-system', { power: 'On', systemReported: false }), { type: 'wait' });
  assert.equal(judge('await-system', { power: 'On', systemReported: true }), { type: 'done' });
  assert.throws(
    () => judge('await-system', { power: 'Off', systemReported: true }),
    (error: unknown) => error instanceof Failure,
  );
});

test('a task follows the agent, and an agent that goes silent is given up', () => {
  const state = { id: 'x', kind: 'wipe', state: 'running', percent: 40 } as const;
  assert.equal(judge('wipe'), { type: 'act', effect: { type: 'task', kind: 'wipe' } });
  assert.equal(judge('wipe', { task: state, agentSeenAt: 900 }), { type: 'wait', percent: 40 });
  assert.equal(judge('wipe', { task: { ...state, state: 'succeeded' } }), { type: 'done' });
  const lost = (error: unknown) => error instanceof Failure && error.code === 'AgentLost';
  assert.throws(() => judge('wipe', { now: 31_000, agentSeenAt: 900, task: state }), lost);
  const failed = {
    ...state,
    state: 'failed',
    error: { class: 'permanent', code: 'ImageDigestMismatch', message: 'no' },
  } as const;
  assert.throws(
    () => judge('wipe', { task: failed }),
    (error: unknown) => error instanceof Failure && error.permanent,
  );
});

test('a process that has just begun waits for agents as long as one that was there all the time', () => {
  const outcome = STEPS.wipe.judge({ ...seen, now: 100_000 }, { ...context, listeningSince: 90_000 });
  assert.equal(outcome, { type: 'act', effect: { type: 'task', kind: 'wipe' } });
});

test.run();
