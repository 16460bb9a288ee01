// One walk: the actions are done one after the other on a fleet that an operator runs; then all faults are taken away, and everything
// has to become as it was wanted, without anything that must never be.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import { DEVICES, INSTANCES } from '../../../lib/api/resources.ts';
import { startApiServer } from '../../../lib/apiserver/server.ts';
import { createMissing, ensureNamespace, installDefinitions } from '../../../lib/cli/manifests.ts';
import { follow } from '../../../lib/cli/view.ts';
import { createClient } from '../../../lib/kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../lib/kube/errors.ts';
import type { KubeObject } from '../../../lib/kube/resource.ts';
import { createLogger } from '../../../lib/observe/logger.ts';
import type { OperationKind, StepName } from '../../../lib/provision/operations/operations.ts';
import { isConditionTrue } from '../../../lib/runtime/conditions.ts';
import { NO_FAULTS } from '../../../lib/sim/bmc/faults.ts';
import { startFleet } from '../../../lib/sim/fleet.ts';
import { machineProfile } from '../../../lib/sim/machine/profile.ts';
import type { Fault } from '../../../lib/sim/machine/types.ts';
import { apply, createSecret } from '../hostile/apply.ts';
import type { Change, Population, Wish } from '../hostile/changes.ts';
import { misfits, unsettled } from '../hostile/settled.ts';
import { watchInvariants } from '../invariants/watcher.ts';
import { createConductor } from '../matrix/conductor.ts';
import { Gate } from '../matrix/gate.ts';
import { createOperators } from '../matrix/operators.ts';
import { createWarpClock } from '../matrix/warp-clock.ts';
import { FAST, ignoreMissing } from '../platform.ts';
import type { Action } from './actions.ts';

export interface WalkOptions {
  readonly actions: readonly Action[];
  readonly machines: number;
  /** Between two actions. */
  readonly everyMs: number;
  /** How long everything may take to settle. */
  readonly patienceMs: number;
}

export interface WalkResult {
  /** What must not be; empty if all is well. */
  readonly faults: readonly string[];
  readonly operations: number;
  readonly deaths: number;
}

const NAMESPACE = 'default';
const LOOK_MS = 200;
const silent = createLogger({ level: 'error' });

export const populationOf = (machines: number): Population => ({
  devices: Array.from({ length: machines }, (_, index) => machineProfile(1, index).name),
  deviceTypes: ['gp.large'],
  images: ['debian-12', 'debian-13', 'tiny', 'tiny-tar'],
  instances: Math.floor(machines * 0.4),
  placements: Math.floor(machines * 0.2),
});

/** What is wanted, as far as it was asked for. */
interface Wanted {
  readonly instances: Map<string, Wish>;
  readonly placements: Set<string>;
  readonly inMaintenance: Set<string>;
  readonly withdrawn: Set<string>;
  readonly locked: Set<string>;
}

export async function walk({ actions, machines, everyMs, patienceMs }: WalkOptions): Promise<WalkResult> {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'bmp-walk-'));
  stack.defer(() => rmSync(dir, { recursive: true }));
  const server = await startApiServer({ dir });
  stack.defer(() => server.close());
  const client = createClient({ kubeconfig: server.kubeconfigPath });
  stack.defer(() => client.close());
  const ended = new AbortController();
  stack.defer(() => ended.abort(new Error('the walk is over')));
  await installDefinitions(client, ended.signal);
  await ensureNamespace(client, OPERATOR_NAMESPACE);
  await createSecret(client, NAMESPACE);

  const gate = new Gate();
  const clock = createWarpClock();
  const operators = stack.use(createOperators(server.kubeconfigPath, gate, clock));
  await operators.start();
  const bootUrl = () => operators.bootUrl();
  const fleet = await startFleet({ count: machines, basePort: 0, bootUrl, timings: FAST, log: silent });
  stack.defer(() => fleet.close());
  const view = await follow(client, silent, ended.signal);
  const watcher = watchInvariants({ view, client, fleet, log: silent }, ended.signal);
  await createMissing(client, fleet.manifests() as unknown as KubeObject[]);
  const conductor = createConductor({ gate, clock, operators, fleet, say: () => undefined });
  const conducting = conductor.run(ended.signal);
  const wanted: Wanted = {
    instances: new Map(),
    placements: new Set(),
    inMaintenance: new Set(),
    withdrawn: new Set(),
    locked: new Set(),
  };

  /** Whether it still makes sense where only a part of the list is walked. */
  const makesSense = (change: Change): boolean => {
    if (change.type === 'change-instance' || change.type === 'delete-instance')
      return wanted.instances.has(change.name);
    return change.type === 'delete-placement' ? wanted.placements.has(change.name) : true;
  };

  async function change(one: Change): Promise<void> {
    if (!makesSense(one)) return;
    note(wanted, one);
    // One that Git brings back may not be there yet: it comes as it is wanted then.
    await apply(client, NAMESPACE, one).catch(ignoreMissing);
  }

  async function deleteInstanceOn(device: string): Promise<void> {
    const claim = view.devices.get(device)?.spec.claimRef;
    if (!claim || !wanted.instances.delete(claim.name)) return;
    await client.delete(INSTANCES, { namespace: NAMESPACE, name: claim.name }).catch(ignoreMissing);
  }

  const atTheWorstMoment: Promise<void>[] = [];

  /** Each ends with what went wrong. Not waited for before all is settled: what is in their way may wait for a person. */
  const comingBack: Promise<string[]>[] = [];

  /** As Git does it: tried until the old one is out of the way, unless nobody wants it any more. */
  async function bringBack(name: string): Promise<string[]> {
    for (;;) {
      const wish = wanted.instances.get(name);
      if (!wish || ended.signal.aborted) return [];
      try {
        await apply(client, NAMESPACE, { type: 'create-instance', name, wish });
        await catchUp(name, wish);
        return [];
      } catch (error) {
        if (!isConflict(error) && !isAlreadyExists(error)) return [`bringing back ${name}: ${String(error)}`];
      }
      await lock(name, false);
      await setTimeout(LOOK_MS);
    }
  }

  /** What was asked for while it was being created. */
  async function catchUp(name: string, created: Wish): Promise<void> {
    const wish = wanted.instances.get(name);
    if (!wish) await client.delete(INSTANCES, { namespace: NAMESPACE, name }).catch(ignoreMissing);
    else if (wish !== created) await change({ type: 'change-instance', name, wish });
  }

  async function lock(name: string, locked: boolean): Promise<void> {
    if (locked) wanted.locked.add(name);
    else wanted.locked.delete(name);
    const body = { spec: { locked } };
    await client.patch(INSTANCES, { namespace: NAMESPACE, name }, { type: 'merge', body }).catch(ignoreMissing);
  }

  async function act(action: Action): Promise<void> {
    switch (action.type) {
      case 'change':
        return change(action.change);
      case 'revert': {
        const wish = wanted.instances.get(action.name);
        if (wish) await change({ type: 'change-instance', name: action.name, wish: { ...wish, ...action.to } });
        return;
      }
      case 'undelete':
        if (wanted.instances.has(action.name)) return;
        wanted.instances.set(action.name, action.wish);
        comingBack.push(bringBack(action.name));
        return;
      case 'lock':
        await lock(action.name, action.locked);
        return;
      case 'delete-at': {
        const kind = view.devices.get(action.device)?.status?.operation?.kind as OperationKind | undefined;
        const sprung = () => {
          atTheWorstMoment.push(deleteInstanceOn(action.device));
          return undefined;
        };
        const step = action.step as StepName;
        gate.set(action.device, { kind: kind ?? 'Create', step, moment: 'before the effect', sprung });
        return;
      }
      case 'break':
        fleet
          .machine(action.device)
          .fault({ kind: action.what, ...(action.what === 'other-serial' && { serialNumber: 'OTHER' }) } as Fault);
        return;
      case 'break-bmc':
        fleet.bmc(action.device).faults = { ...NO_FAULTS, [action.what]: true };
        return;
      case 'mend':
        mend(action.device);
        return;
      case 'cut-power':
        fleet.machine(action.device).control('off');
        return;
      case 'restart-agent':
        fleet.machine(action.device).restartAgent();
        return;
      case 'kill':
        return conductor.strike('killed');
      case 'cut-off':
        return conductor.strike('cut off');
    }
  }

  function mend(device: string): void {
    fleet.machine(device).fault(undefined);
    fleet.bmc(device).faults = NO_FAULTS;
    gate.clear(device);
  }

  /** What waits for a person, or was put aside, is looked at by one: once for each time that it stops. */
  async function resetStopped(asked: Set<string>): Promise<void> {
    for (const { metadata, status } of view.devices.values()) {
      const { error, operation, quarantine } = status ?? {};
      const stop = `${metadata.name} ${operation?.id} ${error?.code} ${error?.since} ${quarantine?.since}`;
      if ((!error?.permanent && !quarantine) || asked.has(stop)) continue;
      asked.add(stop);
      const value = `walk-${asked.size}`;
      const spec = { requests: quarantine ? { liftQuarantine: value } : { resetStatus: value } };
      await client.patch(DEVICES, metadata, { type: 'merge', body: { spec } }).catch((error_: unknown) => {
        if (!isNotFound(error_)) throw error_;
      });
    }
  }

  /** Another image is wanted than is installed: a person says that it may be written. */
  async function reinstallRequired(): Promise<void> {
    for (const { metadata, spec, status } of view.instances.values()) {
      const wish = wanted.instances.get(metadata.name);
      if (!wish || !isConditionTrue(status?.conditions, 'ReinstallRequired')) continue;
      const reinstall = `${wish.image}-for-${status?.image}-${spec.requests?.reinstall ?? ''}`.slice(-63);
      const requests = { ...wish.requests, reinstall };
      await change({ type: 'change-instance', name: metadata.name, wish: { ...wish, requests } });
    }
  }

  async function settled(): Promise<string[]> {
    const asked = new Set<string>();
    const end = performance.now() + patienceMs;
    for (;;) {
      // A power that was cut last is seen by the next look only.
      const told = unsettled(view.all(), wanted);
      const left = told.length > 0 ? told : misfits(view.all(), wanted, fleet);
      if (left.length === 0) return [];
      if (performance.now() > end) return left.map((what) => `not settled: ${what}`);
      await resetStopped(asked);
      await reinstallRequired();
      await setTimeout(LOOK_MS);
    }
  }

  try {
    for (const action of actions) {
      await act(action);
      await setTimeout(everyMs);
    }
    for (const { name } of fleet.machines) mend(name);
    for (const name of wanted.locked) await lock(name, false);
    await Promise.all(atTheWorstMoment);
    for (const last of conclusion(wanted)) await change(last);
    const left = await settled();
    const lost = left.length > 0 ? [] : (await Promise.all(comingBack)).flat();
    const faults = [...left, ...lost, ...(await watcher.violations())];
    return { faults, operations: watcher.operations().size, deaths: operators.deaths };
  } finally {
    ended.abort(new Error('the walk is over'));
    await conducting;
  }
}

function note({ instances, placements, inMaintenance, withdrawn }: Wanted, change: Change): void {
  const toggle = (set: Set<string>, name: string, is: boolean) => (is ? set.add(name) : set.delete(name));
  switch (change.type) {
    case 'create-instance':
    case 'change-instance':
      instances.set(change.name, change.wish);
      return;
    case 'delete-instance':
      instances.delete(change.name);
      return;
    case 'create-placement':
      placements.add(change.name);
      return;
    case 'delete-placement':
      placements.delete(change.name);
      return;
    case 'maintenance':
      toggle(inMaintenance, change.device, change.enabled);
      return;
    case 'put-away':
      toggle(withdrawn, change.device, !change.offered);
  }
}

/** What is left to ask for so that everything can be as wanted. */
const conclusion = ({ inMaintenance, withdrawn }: Wanted): Change[] => [
  ...[...inMaintenance].map((device) => ({ type: 'maintenance', device, enabled: false }) as const),
  ...[...withdrawn].map((device) => ({ type: 'put-away', device, offered: true }) as const),
];
