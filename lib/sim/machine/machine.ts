// A simulated machine: power, firmware, and whatever the firmware boots. Its BMC works on it as a Chassis; the agent that
// it boots is lib/agent's own.
//
// One run goes from power-on to power-off and is one asynchronous function under one signal. What must outlive the
// process is in the store before anybody can see it; what a run holds in memory is lost with the power, as on hardware.
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { runAgent } from '../../agent/agent.ts';
import type { AgentArguments } from '../../agent/arguments.ts';
import { readSeedReport } from '../../boot/seed.ts';
import type { Log } from '../../observe/log.ts';
import type { DiskFacts } from '../../provision/protocol.ts';
import { type Clock, sleep, type Timer } from '../../runtime/clock.ts';
import {
  type Chassis,
  type ChassisAction,
  type ChassisBoot,
  type ChassisHardware,
  NO_BOOT_OVERRIDE,
} from '../bmc/chassis.ts';
import { seededRandom } from '../bmc/faults.ts';
import type { FleetStore } from '../store.ts';
import { arrayFacts, openArray } from './array.ts';
import { type InstalledSystem, SimulatedDisk } from './disk.ts';
import { simulatedHardware } from './hardware.ts';
import { mediaBoot } from './media-boot.ts';
import { networkBoot } from './network-boot.ts';
import type { MachineProfile } from './profile.ts';
import { reportIn, systemAddresses } from './system.ts';
import { Terminal } from './terminal.ts';
import type { Fault, JournalEntry, MachineState, Timings } from './types.ts';

export interface MachineOptions {
  readonly profile: MachineProfile;
  readonly store: FleetStore;
  readonly timings: Timings;
  readonly clock: Clock;
  readonly bootUrl: (macAddress: string) => string | undefined;
  readonly log: Log;
}

type Source = 'network' | 'disk' | 'media';

export class SimulatedMachine implements Chassis {
  readonly profile: MachineProfile;
  readonly disks: readonly SimulatedDisk<DiskFacts>[];
  readonly serial: Terminal;
  /** Held by the BMC: gone with that. */
  media: string | undefined;
  readonly #options: MachineOptions;
  readonly #random: () => number;
  readonly #changes = new EventEmitter();
  #state: MachineState = 'off';
  #fault: Fault | undefined;
  #power: 'On' | 'Off';
  #boot: ChassisBoot;
  #pending: Timer | undefined;
  #run: { readonly power: AbortController; readonly ended: Promise<void> } | undefined;
  #shutDown: (() => void) | undefined;
  /** Ends the agent that is at work, and says whether another one is started in its place. */
  #endAgent: ((restarts: boolean) => void) | undefined;

  /** As it was left in the store: a machine that was on stays dark until restore(). */
  constructor(options: MachineOptions) {
    const { profile, store } = options;
    const record = store.machine(profile.name);
    this.#options = options;
    this.profile = profile;
    this.disks = profile.inventory.disks.map((facts) => new SimulatedDisk(facts, store));
    this.#random = seededRandom(Number.parseInt(profile.systemId.slice(0, 8), 16));
    this.#power = record?.power ?? 'Off';
    this.#boot = record?.boot ?? NO_BOOT_OVERRIDE;
    this.#changes.setMaxListeners(0);
    const terminal = new Terminal(() => hostname(this.installed()?.seed) ?? 'localhost');
    this.serial = terminal;
    this.onChange((state) => terminal.show(state));
  }

  get name(): string {
    return this.profile.name;
  }

  state(): MachineState {
    return this.#state;
  }

  /** Called after each change of state; the function given back ends that. */
  onChange(listener: (state: MachineState) => void): () => void {
    this.#changes.on('state', listener);
    return () => this.#changes.off('state', listener);
  }

  fault(fault: Fault | undefined): void {
    this.#fault = fault;
    if (fault?.kind === 'agent-silent') this.#endAgent?.(false);
  }

  /** The agent's process ends and is started again, as a supervisor does: it has its token, and nothing that it knew. */
  restartAgent(): void {
    this.#endAgent?.(true);
  }

  /** What is on the disk that it boots from. */
  installed(): InstalledSystem | undefined {
    return this.#bootableDisk()?.installed();
  }

  /** Resolves when what this run booted has come to its end: all there is left is the power switch. */
  async idle(): Promise<void> {
    await this.#run?.ended;
  }

  /** The power is back after it was lost: a machine that was on comes on again. */
  restore(): void {
    if (this.#power === 'On') this.#start('Restored');
  }

  /** Ends the run without a word to anybody, as a power cut does. */
  async close(): Promise<void> {
    this.#pending?.cancel();
    const run = this.#run;
    run?.power.abort(new Error('the fleet ends'));
    await run?.ended;
  }

  // As its BMC sees it.

  power(): 'On' | 'Off' {
    return this.#power;
  }

  onPower(listener: (power: 'On' | 'Off') => void): () => void {
    let last = this.#power;
    return this.onChange(() => {
      if (this.#power === last) return;
      last = this.#power;
      listener(last);
    });
  }

  get hardware(): ChassisHardware {
    return this.profile.inventory;
  }

  get boot(): ChassisBoot {
    return this.#boot;
  }

  set boot(boot: ChassisBoot) {
    this.#boot = boot;
    this.#save();
  }

  identify(): void {
    // Nobody stands before the rack to see the light.
  }

  control(action: ChassisAction): void {
    if (this.#fault?.kind === 'power-stuck') return;
    // The last command counts.
    const later = (what: () => void) => {
      this.#pending?.cancel();
      if (this.#options.timings.power === 0) what();
      else this.#pending = this.#options.clock.after(this.#options.timings.power, what);
    };
    const on = this.#power === 'On';
    switch (action) {
      case 'on':
        if (!on) later(() => this.#start('On'));
        return;
      case 'off':
        if (on) later(() => this.#stop());
        return;
      case 'cycle':
        // IPMI 2.0 §28.3: nothing where the power is off already.
        if (!on) return;
        later(() => {
          this.#stop();
          later(() => this.#start('On'));
        });
        return;
      case 'reset':
        if (on) later(() => this.#start('Reset'));
        return;
      case 'soft':
        this.#shutDown?.();
        return;
      case 'diag':
        return;
      default:
        action satisfies never;
    }
  }

  #start(detail: 'On' | 'Reset' | 'Restored'): void {
    const before = this.#run;
    before?.power.abort(new Error('the machine is reset'));
    this.#shutDown = undefined;
    this.#power = 'On';
    this.#save();
    this.#record({ what: 'power', detail });
    const power = new AbortController();
    const ended = Promise.resolve(before?.ended)
      .then(() => this.#live(power.signal))
      .catch((error: unknown) => {
        if (power.signal.aborted) return;
        this.#options.log.error({ err: error, machine: this.name }, 'the simulated machine failed');
        this.#enter('hung', power.signal);
      });
    this.#run = { power, ended };
    this.#enter('post', power.signal);
  }

  #stop(): void {
    this.#run?.power.abort(new Error('the machine is off'));
    this.#shutDown = undefined;
    this.#power = 'Off';
    this.#save();
    this.#record({ what: 'power', detail: 'Off' });
    this.#state = 'off';
    this.#changes.emit('state', 'off');
  }

  /** From power-on to power-off. */
  async #live(power: AbortSignal): Promise<void> {
    const { timings, clock } = this.#options;
    await sleep(clock, timings.post, power);
    if (this.#fault?.kind === 'boot-hangs') return this.#enter('hung', power);
    const { sources, bootMode } = this.#bootOrder();
    for (const source of sources) {
      const booted = source === 'disk' ? await this.#bootDisk(power) : await this.#bootLive(source, power, bootMode);
      if (booted) return;
    }
    this.#record({ what: 'boot', detail: 'none' });
    this.#enter('no-boot-device', power);
  }

  /** The firmware reads the BMC's boot override; one that is for once is gone with that. */
  #bootOrder(): { sources: readonly Source[]; bootMode: 'BIOS' | 'UEFI' } {
    const { valid, device, persistent, efi } = this.#boot;
    if (!valid) return { sources: ['disk', 'network'], bootMode: 'UEFI' };
    if (!persistent) this.boot = NO_BOOT_OVERRIDE;
    const first = device === 'pxe' ? 'network' : device === 'cdrom' ? 'media' : undefined;
    const sources: readonly Source[] = first ? [first, 'disk'] : ['disk', 'network'];
    return { sources, bootMode: efi ? 'UEFI' : 'BIOS' };
  }

  async #bootLive(source: 'network' | 'media', power: AbortSignal, bootMode: 'BIOS' | 'UEFI'): Promise<boolean> {
    const { timings, clock, bootUrl, log } = this.#options;
    this.#enter('network-boot', power);
    const { retry: retryMs, networkBoot: giveUpMs } = timings;
    const { inventory } = this.profile;
    const firmware = {
      bootUrl,
      signal: power,
      clock,
      retryMs,
      giveUpMs,
      log,
      whoami: { serial: inventory.serialNumber, manufacturer: inventory.manufacturer, product: inventory.model },
    };
    const { bootMACAddress } = this.profile;
    const found = await (source === 'network' ? networkBoot(bootMACAddress, firmware) : mediaBoot(this.media, power));
    if (!found) return false;
    this.#record({ what: 'boot', detail: source });
    await sleep(clock, timings.liveBoot, power);
    this.#enter('live', power);
    if (this.#fault?.kind !== 'agent-silent') await this.#runAgent(found, power, bootMode);
    // The agent is done, the live OS is not: it waits for the power switch.
    return true;
  }

  async #runAgent(found: AgentArguments, power: AbortSignal, bootMode: 'BIOS' | 'UEFI'): Promise<void> {
    const { timings, clock, log } = this.#options;
    const hardware = simulatedHardware({
      profile: this.profile,
      disks: this.disks,
      store: this.#options.store,
      timings,
      clock,
      random: this.#random,
      bootMode,
      power,
      serialNumber: () =>
        this.#fault?.kind === 'other-serial' ? this.#fault.serialNumber : this.profile.inventory.serialNumber,
      diskFault: (serialNumber) =>
        this.#fault?.kind === 'disk' && this.#fault.serialNumber === serialNumber ? this.#fault.does : undefined,
      raidFault: () => (this.#fault?.kind === 'raid' ? this.#fault.does : undefined),
      otherInventory: () => (this.#fault?.kind === 'other-hardware' ? this.#fault.inventory : {}),
      record: (entry) => this.#record(entry),
    });
    for (let restarts = true; restarts; ) {
      restarts = false;
      const life = new AbortController();
      this.#endAgent = (again) => {
        restarts = again;
        life.abort(new Error('the agent ends'));
      };
      await runAgent({
        ...found,
        hardware,
        signal: AbortSignal.any([power, life.signal]),
        log,
        random: this.#random,
        onTask: (task) => hardware.begin(task),
        retryMs: { first: timings.retry, last: timings.retry * 16 },
      });
      this.#endAgent = undefined;
    }
  }

  async #bootDisk(power: AbortSignal): Promise<boolean> {
    const { timings, clock, log } = this.#options;
    const system = this.#bootableDisk()?.installed();
    const seed = system?.seed && readSeedReport(system.seed);
    if (!system?.seed || !seed) return false;
    this.#record({ what: 'boot', detail: 'disk', sha256: system.sha256 });
    this.#shutDown = () => {
      this.#shutDown = undefined;
      this.#enter('shutting-down', power);
      clock.after(timings.systemShutdown, () => {
        if (!power.aborted) this.#stop();
      });
    };
    this.#enter('system-boot', power);
    await sleep(clock, timings.systemBoot, power);
    // Asked to shut down while it was starting: it does, and reports nothing any more.
    if (this.#state === 'shutting-down') return true;
    this.#enter('system', power);
    const report = {
      instanceUID: seed.instanceUID,
      bootID: randomUUID(),
      hostname: hostname(system.seed) ?? 'localhost',
      addresses: systemAddresses(system.seed) ?? [this.profile.address],
    };
    await reportIn(seed, report, { signal: power, retryMs: timings.retry, random: this.#random, log });
    return true;
  }

  /** What the firmware boots: a disk, or what a RAID controller makes of its disks. */
  #bootableDisk(): SimulatedDisk | undefined {
    const { store } = this.#options;
    const members = (serials: readonly string[]) =>
      this.profile.inventory.disks.filter(({ serialNumber }) => serials.includes(serialNumber));
    const logicalDrives = store
      .arrays(this.name)
      .filter(({ controller }) => controller !== undefined)
      .map((array) => openArray(array, arrayFacts(array, members(array.disks)), store));
    const plain = this.disks.filter(({ facts }) => facts.controller === undefined);
    return [...plain, ...logicalDrives].find((disk) => disk.installed()?.seed !== undefined);
  }

  #enter(state: MachineState, power: AbortSignal): void {
    if (power.aborted || this.#state === state) return;
    this.#state = state;
    this.#changes.emit('state', state);
  }

  #record(entry: Omit<JournalEntry, 'machine' | 'at'>): void {
    this.#options.store.append({ machine: this.name, at: this.#options.clock.now(), ...entry });
  }

  #save(): void {
    this.#options.store.saveMachine(this.name, { power: this.#power, boot: this.#boot });
  }
}

function hostname(seed: Readonly<Record<string, string>> | undefined): string | undefined {
  return /^local-hostname: *['"]?([^'"\n]+)/m.exec(seed?.['meta-data'] ?? '')?.[1];
}
