// One pass over a Device: look, judge, write down, act, look again, until there is nothing to do but wait.
//
// The status is written before every effect, so that a process that dies at any moment is followed by one that knows what
// may have been done. Whatever is judged is judged by what was observed in this very pass.
import { randomUUID } from 'node:crypto';
import { drainEnd } from '../../lib/api/draining.ts';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICE_FINALIZER } from '../../lib/api/names.ts';
import { DEVICES } from '../../lib/api/resources.ts';
import type { Driver } from '../../lib/bmc/driver.ts';
import { writeStatus } from '../../lib/kube/apply.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import {
  type Effect,
  isTask,
  missed,
  type Observed,
  type OperationKind,
  type Outcome,
  STEPS,
  type Step,
} from '../../lib/provision/operations/operations.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { removeFinalizer } from '../../lib/runtime/finalizers.ts';
import type { OwnWrites } from '../../lib/runtime/own-writes.ts';
import { done, type Result, requeue } from '../../lib/runtime/reconcile.ts';
import { takeAddresses } from './addresses.ts';
import { isToBeRead, noteAdopted } from './adopted.ts';
import { auditRecords } from './audit.ts';
import { bmcFailure, carryOut, credentialsIn, opened, type Readings, read } from './bmc-access.ts';
import { bootsByMedia, bootsWithoutDhcp, discOf, readMedia } from './boot-media.ts';
import { withCompleted } from './completion.ts';
import { withConditions } from './conditions.ts';
import { type DeviceDependencies, inputsDigest, type Surroundings, surroundings } from './context.ts';
import { heard } from './desk.ts';
import { leaveDhcp, readDhcp, serveByDhcp } from './dhcp-access.ts';
import { expectedEnd } from './expected-end.ts';
import { withHealth } from './health.ts';
import { heardAgent, heardSystem } from './hearing.ts';
import { withInputs } from './inputs.ts';
import { narrate } from './narrate.ts';
import { concluded, plan } from './plan.ts';
import { quarantinedBeside } from './quarantine.ts';
import { withReadings } from './readings.ts';
import { rotateIfAsked } from './rotation-request.ts';
import {
  advanced,
  atPercent,
  awaitsAgent,
  compact,
  failed,
  heldUntil,
  isHopeless,
  kindOf,
  reset,
  type Status,
  stepOf,
} from './status.ts';
import { buildTask } from './tasks.ts';
import { misfits, sparedTasks } from './volumes.ts';

/** Turns of look and act in one pass; what is left then goes on in the next one. */
const MOST_TURNS = 40;

/** Phases in which the power is looked at and told, whether it is the operator's business or not. */
const AT_REST: readonly Status['phase'][] = ['Adopted', 'Imported', 'Available', 'InUse', 'Removed'];

/** Of these, the ones in which a machine may be turned on or off by others and somebody goes by that. */
const LOOKED_AT: ReadonlySet<Status['phase']> = new Set(['Adopted', 'Available', 'InUse'] as const);

/** What was sent to a BMC last, so that it is not sent again at every look. */
export type Sent = Map<string, { readonly what: string; readonly at: number }>;

/** What this process remembers of all Devices from pass to pass. */
export interface Memory {
  /** Never act on a Device as it was before a write of ours: a cache may be behind for as long as its watch is silent. */
  readonly own: OwnWrites<Device>;
  readonly sent: Sent;
}

export class Pass {
  readonly #deps: DeviceDependencies;
  readonly #signal: AbortSignal;
  readonly #memory: Memory;
  readonly #around: Surroundings;
  /** Digest of the credentials and their address; undefined, where there is no Secret. */
  readonly #login: string | undefined;
  readonly #inputs: string;
  /** As last read or written. */
  #device: Device;
  #status: Status;
  #readings: Readings = {};

  private constructor(
    deps: DeviceDependencies,
    device: Device,
    around: Surroundings,
    memory: Memory,
    signal: AbortSignal,
  ) {
    this.#deps = deps;
    this.#device = device;
    this.#status = device.status ?? {};
    this.#around = around;
    this.#login = around.secret && deps.loginDigest(device.spec.bmc.address, around.secret);
    this.#inputs = inputsDigest(device, around, this.#login);
    this.#memory = memory;
    this.#signal = signal;
  }

  static async run(deps: DeviceDependencies, device: Device, memory: Memory, signal: AbortSignal): Promise<Result> {
    const around = await surroundings(deps, device, signal);
    return new Pass(deps, device, around, memory, signal).#run();
  }

  async #run(): Promise<Result> {
    await this.#hear();
    if (await this.#rotated()) return requeue(this.#deps.timing.pollMs);
    if (this.#atRest()) await this.#look();
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      this.#signal.throwIfAborted();
      this.#status = plan({ ...this.#view(), device: { ...this.#device, status: this.#status } });
      if (this.#mayBeDeleted()) return this.#delete();
      const result = this.#status.operation ? await this.#operate() : await this.#rest();
      if (result) return result;
    }
    await this.#persist();
    return requeue(this.#deps.timing.pollMs);
  }

  #view() {
    const state = this.#readings.power ?? this.#status.power?.state;
    const kindId = (kind: OperationKind) => `${kind.toLowerCase()}-${randomUUID().slice(0, 8)}`;
    return {
      claimant: this.#around.claimant,
      power: state === 'On' || state === 'Off' ? state : undefined,
      now: this.#deps.clock.now(),
      // Asked only where it may matter.
      quarantined: this.#status.error?.permanent
        ? quarantinedBeside(this.#device, this.#deps.stores.devices.values())
        : [],
      newId: kindId,
    };
  }

  /** No operation under way, the BMC known, and nobody at work on it. */
  #atRest(): boolean {
    const { phase, operation } = this.#status;
    return !operation && !this.#device.spec.maintenance?.enabled && AT_REST.includes(phase);
  }

  /** True when the BMC has another password now: whatever comes next is done with that. */
  async #rotated(): Promise<boolean> {
    if (this.#isRefused()) return false;
    const { good } = this.#status.credentials ?? {};
    const rotating = {
      deps: this.#deps,
      device: this.#device,
      status: this.#status,
      around: this.#around,
      login: this.#login,
      atRest: this.#atRest(),
    };
    const after = await rotateIfAsked(rotating, this.#signal);
    if (!after) return false;
    this.#status = after;
    await this.#persist();
    return after.credentials?.good?.digest !== good?.digest;
  }

  // Looking

  async #driver(): Promise<Driver> {
    const { deps, around } = { deps: this.#deps, around: this.#around };
    const credentials = credentialsIn(around.secret, around.secretName, deps.namespace);
    const secret = around.secret!;
    const tried = { name: secret.metadata.name, digest: this.#login! };
    if (this.#isRefused()) throw new Failure('BadCredentials', this.#status.error!.message);
    if (this.#status.credentials?.tried?.digest !== tried.digest) {
      this.#status = { ...this.#status, credentials: { ...this.#status.credentials, tried } };
    }
    const { address, tls } = this.#device.spec.bmc;
    return opened(() => deps.bmcs.driver(this.#device.metadata.name, { address, credentials, ...(tls && { tls }) }));
  }

  /** Wrong credentials are not tried again, whatever else changes, until the login or the address does, or a person asks. */
  #isRefused(): boolean {
    const { error, credentials } = this.#status;
    return error?.code === 'BadCredentials' && credentials?.tried?.digest === this.#login;
  }

  async #ask(step: Pick<Step, 'reads'>): Promise<void> {
    if (step.reads.length === 0) return;
    try {
      const driver = await this.#driver();
      const ofBmc = step.reads.filter((reading) => reading !== 'dhcp' && reading !== 'media');
      this.#readings = await read(driver, ofBmc, this.#signal);
      const operation = this.#status.operation;
      if (operation && step.reads.includes('media') && bootsByMedia(this.#device, this.#status, this.#around.site))
        this.#readings.media = await readMedia(driver, this.#deps.media, this.#device, operation, this.#signal);
    } catch (error) {
      throw bmcFailure(error, `${this.#deps.namespace}/${this.#around.secretName}`);
    }
    if (step.reads.includes('dhcp') && !bootsWithoutDhcp(this.#device, this.#status, this.#around.site)) {
      const { spec } = this.#device;
      const host = await readDhcp(this.#deps.dhcp, this.#around.site, spec.bootMACAddress, this.#signal);
      if (host) this.#readings.dhcp = host;
    }
    this.#status = withReadings(this.#status, this.#readings, timestamp(this.#deps.clock.now()));
  }

  /** Looks at the power of a machine at rest. A BMC that does not answer is an error of the Device, not of an operation. */
  async #look(): Promise<void> {
    try {
      await this.#ask({ reads: ['power'] });
      const { error, ...rest } = this.#status;
      if (error) this.#status = rest;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { power: _, ...rest } = this.#status;
      this.#status = {
        ...failed(rest, error, this.#retry()),
        power: { state: 'Unknown', observedAt: timestamp(this.#deps.clock.now()) },
      };
    }
  }

  #retry() {
    const { clock, timing, random } = this.#deps;
    return { now: clock.now(), inputs: this.#inputs, backoff: timing.backoff, random };
  }

  /** Hears what agents and systems have come in with. */
  async #hear(): Promise<void> {
    const { opening, system } = this.#deps.desk.received(this.#device);
    const { mailbox } = this.#deps.desk;
    const { name } = this.#device.metadata;
    if (opening) {
      const answer = heardAgent(this.#device, this.#status, opening, this.#around.type);
      if (answer.type === 'admit') {
        this.#status = answer.status;
        await this.#persist();
      } else {
        if (answer.failure && this.#status.operation)
          this.#status = failed(this.#status, answer.failure, this.#retry());
        await this.#persist();
        mailbox.refuseSession(name, opening, answer.reason);
      }
    }
    if (system) {
      const { bootID } = system.report;
      const heardOf = heardSystem(this.#device, this.#status, system, this.#around.claimant);
      if (heardOf === 'unwanted') {
        mailbox.refuseSystem(name, bootID, 'this system is not wanted on this device any more');
      } else if (heardOf !== 'early') {
        this.#status = heardOf;
        await this.#persist();
        mailbox.ackSystem(name, bootID);
      }
    }
  }

  // Acting

  async #operate(): Promise<Result | undefined> {
    const { clock } = this.#deps;
    if (this.#isRefused()) this.#status = { ...this.#status, error: { ...this.#status.error!, inputs: this.#inputs } };
    const held = heldUntil(this.#status, this.#inputs, clock.now());
    if (this.#device.spec.maintenance?.enabled || held === Number.POSITIVE_INFINITY) {
      await this.#persist();
      return done;
    }
    if (held !== undefined) {
      await this.#persist();
      return requeue(held - clock.now());
    }
    if (this.#status.error?.permanent) this.#status = reset(this.#status, clock.now());
    const step = STEPS[stepOf(this.#status.operation!)];
    try {
      this.#status = withInputs(this.#device, this.#status, this.#around);
      await this.#ask(step);
      return await this.#follow(step.judge(this.#observed(), this.#context()));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#status = failed(this.#status, error, this.#retry());
      await this.#persist();
      return undefined;
    }
  }

  #observed(): Observed {
    const operation = this.#status.operation!;
    const { seenAt, task } = heard(this.#device, operation, this.#deps.desk.received(this.#device));
    const { type, inventory } = this.#around;
    return {
      now: this.#deps.clock.now(),
      power: this.#readings.power,
      identified: this.#readings.bmc !== undefined,
      bootDevice: this.#readings.bootDevice,
      dhcp: this.#readings.dhcp,
      media: this.#readings.media,
      agentAdmitted: operation.boot?.nonceHash !== undefined,
      agentSeenAt: seenAt,
      task,
      systemReported: this.#status.system !== undefined && this.#status.system.instanceUID === operation.instanceUID,
      spared: sparedTasks(this.#status, operation, this.#wanted()),
      hardwareMismatches: type ? misfits(this.#device, inventory, type) : [],
    };
  }

  #wanted() {
    const { claimant, type } = this.#around;
    return claimant.type === 'live' ? { type, instance: claimant.instance } : undefined;
  }

  #context() {
    const { timing, listeningSince } = this.#deps;
    const startedAt = Date.parse(this.#status.operation!.stepStartedAt!);
    return { startedAt, listeningSince, graceMs: timing.graceMs, silenceMs: timing.silenceMs };
  }

  /** Carries on from what the step was found to be: undefined when there is more to do at once. */
  async #follow(outcome: Outcome): Promise<Result | undefined> {
    const operation = this.#status.operation!;
    const now = this.#deps.clock.now();
    if (outcome.type === 'done') {
      const [deps, device, around, status] = [this.#deps, this.#device, this.#around, this.#status];
      this.#status = await withCompleted({ deps, device, around, status, signal: this.#signal }, operation);
      this.#advance();
      return undefined;
    }
    if (now > Date.parse(operation.deadline!)) {
      throw missed(stepOf(operation), this.#observed());
    }
    if (outcome.type === 'wait') {
      if (outcome.percent !== undefined) this.#status = atPercent(this.#status, outcome.percent);
      await this.#persist();
      const { pollMs, backstopMs } = this.#deps.timing;
      return requeue(
        isTask(stepOf(operation)) || awaitsAgent(operation) || operation.step === 'await-system' ? backstopMs : pollMs,
      );
    }
    await this.#persist();
    return this.#effect(outcome.effect);
  }

  /** No system runs on the machine now: addresses that it had, it does not use. */
  async #takeAddresses(): Promise<void> {
    const { client, stores } = this.#deps;
    const { claimant, site } = this.#around;
    if (claimant.type !== 'live') return;
    await takeAddresses(
      {
        client,
        addresses: stores.addresses,
        device: () => this.#device,
        note: async (networks) => {
          const { networks: _, ...rest } = this.#status;
          this.#status = networks.length > 0 ? { ...rest, networks } : rest;
          await this.#persist();
        },
      },
      claimant.instance,
      site,
      this.#signal,
    );
  }

  #advance(): void {
    const before = this.#status.operation!;
    this.#status = advanced(this.#status, this.#deps.clock.now());
    if (this.#status.operation) return;
    const ended = compact<Parameters<typeof concluded>[1]>({
      kind: kindOf(before),
      instanceUID: before.instanceUID,
      request: before.request,
    });
    this.#status = concluded(this.#status, ended);
  }

  async #effect(effect: Effect): Promise<Result | undefined> {
    const { desk, timing, clock } = this.#deps;
    const operation = this.#status.operation!;
    if (effect.type === 'task') {
      if (effect.kind === 'write-seed') await this.#takeAddresses();
      const task = await buildTask(this.#deps, effect.kind, this.#device, operation, this.#around, this.#signal);
      desk.order(this.#device, operation, task);
      return requeue(timing.backstopMs);
    }
    if (effect.type === 'dhcp') {
      // Where there is something to be served, there is a server.
      await serveByDhcp(this.#deps.dhcp!, this.#device.spec.bootMACAddress, effect.serve, this.#signal);
      return undefined;
    }
    const what = JSON.stringify([operation.id, operation.step, operation.attempt, operation.round, effect]);
    const { name } = this.#device.metadata;
    const sent = this.#memory.sent.get(name);
    if (sent?.what === what && clock.now() - sent.at < timing.resendMs) return requeue(timing.pollMs);
    this.#memory.sent.set(name, { what, at: clock.now() });
    try {
      const driver = await this.#driver();
      if (effect.type !== 'media') await carryOut(driver, effect, this.#around.bootMode, this.#signal);
      else if (effect.insert) await driver.insertMedia(discOf(this.#deps.media, this.#device, operation), this.#signal);
      else await driver.ejectMedia(this.#signal);
    } catch (error) {
      throw bmcFailure(error, `${this.#deps.namespace}/${this.#around.secretName}`);
    }
    // The boot device is set, and a disc is in, when the BMC has answered; power takes its time.
    return effect.type !== 'power' ? undefined : requeue(Math.min(timing.pollMs, 100));
  }

  // Ending

  async #rest(): Promise<Result> {
    if (isToBeRead(this.#device, this.#status, this.#around.inventory)) await this.#readAdopted();
    await this.#persist();
    const { timing, random } = this.#deps;
    const { phase, error } = this.#status;
    const { maintenance } = this.#device.spec;
    if (maintenance?.enabled || !LOOKED_AT.has(phase)) return done;
    if (error?.permanent) return done;
    const pauseMs = error ? backoffMs(timing.backoff, error.count, random) : timing.idlePollMs * (0.9 + 0.2 * random());
    return requeue(Math.min(pauseMs, this.#drainLeftMs()));
  }

  async #readAdopted(): Promise<void> {
    try {
      const hardware = await (await this.#driver()).hardware(this.#signal);
      this.#status = await noteAdopted(this.#deps, this.#device, this.#status, hardware, this.#signal);
    } catch (error) {
      const failure = bmcFailure(error, `${this.#deps.namespace}/${this.#around.secretName}`);
      if (!(failure instanceof Failure)) throw failure;
      this.#status = failed(this.#status, failure, this.#retry());
    }
  }

  /** Until Placements that have not left are waited for no more. */
  #drainLeftMs(): number {
    const { claimant } = this.#around;
    const now = this.#deps.clock.now();
    const end = claimant.type === 'live' ? drainEnd(claimant.instance, now) : undefined;
    return end === undefined ? Number.POSITIVE_INFINITY : end - now;
  }

  #mayBeDeleted(): boolean {
    if (!this.#device.metadata.deletionTimestamp || this.#around.claimant.type !== 'none') return false;
    const { operation } = this.#status;
    return !operation || kindOf(operation) !== 'Remove' || isHopeless(this.#status);
  }

  async #delete(): Promise<Result> {
    const { client, events, desk, bmcs } = this.#deps;
    const { name } = this.#device.metadata;
    const { error } = this.#status;
    if (error)
      events.event(
        this.#device,
        'Warning',
        'RemovedWithoutPowerOff',
        `given up without having been seen off: ${error.message}`,
      );
    desk.forget(name, this.#device.spec.bootMACAddress);
    await bmcs.forget(name);
    await leaveDhcp(this.#deps.dhcp, this.#device.spec.bootMACAddress, this.#signal);
    this.#memory.sent.delete(name);
    await removeFinalizer(client, DEVICES, this.#device, DEVICE_FINALIZER, { signal: this.#signal });
    return done;
  }

  /** Of an operation that has just begun. */
  #expectEnd(before: Status): void {
    const { operation } = this.#status;
    if (!operation || operation.expectedEnd !== undefined || before.operation?.id === operation.id) return;
    const others = this.#deps.stores.devices.values();
    const at = expectedEnd(operation, { ...this.#device, status: this.#status }, others);
    if (at !== undefined) this.#status = { ...this.#status, operation: { ...operation, expectedEnd: at } };
  }

  /** Writes the status where it differs, tells what happened, and only then what machines may do. */
  async #persist(): Promise<void> {
    const { client, events, desk, clock } = this.#deps;
    const before = this.#device.status ?? {};
    const now = timestamp(clock.now());
    const { name, generation } = this.#device.metadata;
    this.#expectEnd(before);
    const told = withConditions(this.#device, this.#status, this.#around, now);
    const status = withHealth(told, this.#deps.health.of(name), generation, now);
    const written = await writeStatus(client, DEVICES, this.#device, status, { signal: this.#signal });
    this.#device = this.#memory.own.note(this.#device, written);
    this.#status = this.#device.status ?? {};
    for (const { type, reason, note } of narrate(before, this.#status)) events.event(this.#device, type, reason, note);
    for (const record of auditRecords(this.#device, before, this.#status, now)) this.#deps.audit(record);
    const held = heldUntil(this.#status, this.#inputs, clock.now()) !== undefined;
    desk.publish(this.#device, this.#status, held);
  }
}
