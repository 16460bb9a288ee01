// The driver for ipmi:// addresses: what the operator asks of a BMC, in IPMI's commands.

import type { Duplex } from 'node:stream';
import type { BmcAddress } from '../address.ts';
import type {
  BmcEvent,
  BmcHardware,
  BmcIdentity,
  BmcTarget,
  BootDevice,
  BootOptions,
  Capabilities,
  Consumption,
  Driver,
  FirmwareItem,
  InventoryItem,
  LogEntry,
  NetworkChange,
  NetworkSettings,
  PowerAction,
  PowerState,
  SensorReading,
} from '../driver.ts';
import { BmcError } from '../errors.ts';
import { impossible } from '../network.ts';
import { Turns } from '../turns.ts';
import { accountLimit, changePassword } from './account.ts';
import { IpmiClient, type IpmiTarget } from './client.ts';
import { openConsole } from './console.ts';
import { readEventLog } from './eventlog.ts';
import { readInventory } from './inventory.ts';
import { manufacturerName } from './manufacturers.ts';
import { changeNetwork, readNetwork } from './network.ts';
import { DEFAULT_IPMI_OPTIONS, type IpmiOptions, withDefaults } from './options.ts';
import { type Quirks, quirksOf } from './quirks.ts';
import { SensorRepository } from './repository.ts';
import { readableSensors, readSensor, withThresholds } from './sensors.ts';
import type { Command } from './session.ts';
import type { Transport } from './transport.ts';
import { WireError } from './wire/bytes.ts';
import * as wire from './wire/chassis.ts';
import { COMPLETION } from './wire/completion.ts';
import {
  DCMI,
  decodeDcmiCapabilities,
  decodePowerReading,
  encodeCapabilitiesRequest,
  encodePowerReadingRequest,
} from './wire/dcmi.ts';
import { type DeviceId, decodeDeviceId, decodeSystemGuid, GET_DEVICE_ID, GET_SYSTEM_GUID } from './wire/device.ts';
import { NETFN } from './wire/message.ts';
import type { SdrRecord, SensorRecord } from './wire/sdr.ts';

const CAPABILITIES: Capabilities = {
  bootModes: ['BIOS', 'UEFI'],
  sensors: true,
  eventLog: true,
  identify: true,
  console: true,
  virtualMedia: false,
  setPassword: true,
  consumption: true,
  network: true,
  events: false,
};

const NOTHING = Buffer.alloc(0);

/** Where an action leaves the machine, once done. */
const RESULT: Readonly<Partial<Record<PowerAction, PowerState>>> = { on: 'On', off: 'Off', soft: 'Off' };

/** Not to be carried out twice: a machine that just came up again would go down once more. */
const DISRUPTIVE: readonly PowerAction[] = ['off', 'cycle', 'reset'];

/** The devices that a BMC may name and the operator has no word for are none of those that it asked for. */
const DEVICE: Readonly<Record<wire.BootSelector, BootDevice>> = {
  none: 'none',
  pxe: 'pxe',
  disk: 'disk',
  safe: 'disk',
  diag: 'none',
  cdrom: 'cdrom',
  bios: 'bios',
  floppy: 'none',
  other: 'none',
};

/** Bits of what Get Device ID says that the BMC supports (table 20-2). */
const SUPPORTS = { sensors: 0x01, repository: 0x02, eventLog: 0x04 } as const;

const supported = ({ supports }: DeviceId): Partial<Capabilities> => ({
  sensors: (supports & (SUPPORTS.sensors | SUPPORTS.repository)) !== 0,
  eventLog: (supports & SUPPORTS.eventLog) !== 0,
});

/** What a BMC says of itself, asked once. */
interface Knowledge {
  readonly device: DeviceId;
  readonly quirks: Quirks;
  readonly repository: SensorRepository;
}

export class IpmiDriver implements Driver {
  readonly #client: IpmiClient;
  readonly #target: IpmiTarget;
  readonly #transport: Transport;
  readonly #options: Partial<IpmiOptions>;
  readonly #turns = new Turns();
  #known: Knowledge | undefined;
  /** What the BMC has said of its capabilities. */
  #told: Partial<Capabilities> = {};
  #sensorList: readonly SensorRecord[] = [];
  #sensorsOf: readonly SdrRecord[] | undefined;

  constructor(
    target: BmcTarget,
    at: BmcAddress,
    transport: Transport,
    options: Partial<IpmiOptions> = DEFAULT_IPMI_OPTIONS,
  ) {
    this.#target = { ...target, host: at.host, port: at.port };
    this.#transport = transport;
    this.#options = options;
    this.#client = new IpmiClient(this.#target, transport, options);
  }

  capabilities(): Capabilities {
    return { ...CAPABILITIES, ...this.#told };
  }

  identify(signal: AbortSignal): Promise<BmcIdentity> {
    return this.#alone(signal, async () => {
      this.#known = undefined; // it may have another firmware since it was last asked
      const { device } = await this.#knowledge(signal);
      await this.#provePrivilege(signal);
      const systemId = await this.#systemId(signal);
      this.#told = { ...supported(device), consumption: await this.#measuresPower(signal) };
      return {
        manufacturer: manufacturerName(device.manufacturerId),
        product: `0x${device.productId.toString(16).padStart(4, '0')}`,
        firmware: device.firmware,
        protocol: `IPMI ${device.ipmiVersion}`,
        ...(systemId === undefined ? {} : { systemId }),
      };
    });
  }

  power(signal: AbortSignal): Promise<PowerState> {
    return this.#alone(signal, () => this.#power(signal));
  }

  setPower(action: PowerAction, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const command = { netFn: NETFN.chassis, command: wire.CHASSIS.control, data: Buffer.of(wire.CONTROL[action]) };
      const completion = await this.#control(action, command, signal);
      if (completion === COMPLETION.ok) return;
      // Some BMCs refuse to switch off what is off. That is no error: the call may be repeated.
      const refused = completion === COMPLETION.notInThisState || completion === COMPLETION.invalidField;
      if (refused && RESULT[action] === (await this.#power(signal))) return;
      throw this.#client.commandError(`power ${action}`, completion);
    });
  }

  bootDevice(signal: AbortSignal): Promise<BootOptions> {
    return this.#alone(signal, async () => {
      const data = Buffer.of(wire.BOOT_PARAMETER.bootFlags, 0, 0);
      const answer = await this.#chassis('boot options', wire.CHASSIS.getBootOptions, data, signal);
      const option = wire.decodeBootOption(answer);
      const flags = wire.decodeBootFlags(option.value);
      const { quirks } = await this.#knowledge(signal);
      const valid = option.valid && (flags.valid || quirks.bootFlagsWithoutValidBit);
      const device = valid ? DEVICE[flags.device] : 'none';
      return { device, persistent: device !== 'none' && flags.persistent, mode: flags.efi ? 'UEFI' : 'BIOS' };
    });
  }

  setBootDevice(options: BootOptions, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const { setInProgress, infoAcknowledge, validBitClearing, bootFlags } = wire.BOOT_PARAMETER;
      const flags = {
        valid: options.device !== 'none',
        persistent: options.persistent && options.device !== 'none',
        efi: options.mode === 'UEFI',
        device: options.device,
      };
      await this.#offerBootOption(setInProgress, [1], signal);
      // The flags are for the BIOS, which has not handled them yet; and they outlive the 60 s after which BMCs drop them.
      await this.#offerBootOption(infoAcknowledge, [1, 1], signal);
      await this.#offerBootOption(validBitClearing, [wire.KEEP_BOOT_FLAGS], signal);
      const data = Buffer.concat([Buffer.of(bootFlags), wire.encodeBootFlags(flags)]);
      await this.#chassis('boot device', wire.CHASSIS.setBootOptions, data, signal);
      await this.#offerBootOption(setInProgress, [0], signal);
    });
  }

  setIdentify(seconds: number, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const data = Buffer.of(Math.max(0, Math.min(255, Math.ceil(seconds))));
      await this.#chassis('identify light', wire.CHASSIS.identify, data, signal);
    });
  }

  inventory(signal: AbortSignal): Promise<readonly InventoryItem[]> {
    return this.#strictly(async () => readInventory(this.#client, await this.#records(signal), signal));
  }

  async hardware(signal: AbortSignal): Promise<BmcHardware> {
    const { manufacturer, product, serialNumber } = (await this.inventory(signal))[0] ?? {};
    return {
      ...(serialNumber !== undefined && { serialNumber }),
      ...(manufacturer !== undefined && { manufacturer }),
      ...(product !== undefined && { model: product }),
      disks: [],
      nics: [],
    };
  }

  sensors(signal: AbortSignal): Promise<readonly SensorReading[]> {
    return this.#strictly(async () => {
      const readings: SensorReading[] = [];
      for (const sensor of await this.#sensors(signal)) readings.push(await readSensor(this.#client, sensor, signal));
      return readings;
    });
  }

  eventLog(signal: AbortSignal, after?: string): Promise<readonly LogEntry[]> {
    return this.#strictly(async () => readEventLog(this.#client, await this.#records(signal), after, signal));
  }

  setPassword(username: string, password: string, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, () => changePassword(this.#client, this.#target.address, username, password, signal));
  }

  firmware(signal: AbortSignal): Promise<readonly FirmwareItem[]> {
    return this.#strictly(async () => [{ name: 'BMC', version: (await this.#knowledge(signal)).device.firmware }]);
  }

  consumption(signal: AbortSignal): Promise<Consumption> {
    return this.#strictly(async () => {
      const data = encodePowerReadingRequest();
      const command = { netFn: NETFN.group, command: DCMI.getPowerReading, data };
      const reading = decodePowerReading(await this.#client.request('power reading', command, signal));
      if (!reading.measuring) throw new BmcError('unsupported', this.#target.address, 'nothing measures the draw now');
      const { current: watts, minimum, maximum, average } = reading;
      return { watts, minimum, maximum, average };
    });
  }

  network(signal: AbortSignal): Promise<NetworkSettings> {
    return this.#strictly(() => readNetwork(this.#client, signal));
  }

  setNetwork(change: NetworkChange, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const wrong = impossible(change);
      if (wrong !== undefined) throw new BmcError('unsupported', this.#target.address, wrong);
      await changeNetwork(this.#client, change, signal);
    });
  }

  insertMedia(): Promise<never> {
    return Promise.reject(new BmcError('unsupported', this.#target.address, 'IPMI has no virtual media'));
  }

  ejectMedia(): Promise<void> {
    return this.insertMedia();
  }

  media(): Promise<string | undefined> {
    return this.insertMedia();
  }

  console(signal: AbortSignal): Promise<Duplex> {
    return this.#strictly(() => {
      const options = { ...withDefaults(this.#options), idleMs: Number.POSITIVE_INFINITY };
      const client = new IpmiClient(this.#target, this.#transport, options);
      return openConsole(client, this.#target.address, options, signal);
    });
  }

  events(): AsyncIterable<BmcEvent> {
    const why = 'IPMI sends traps at best, and these to a fixed address';
    const next = () => Promise.reject(new BmcError('unsupported', this.#target.address, why));
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** A whole operation alone, so that two of them never interleave at the BMC. Long readings do without: power comes between. */
  #alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const late = (cause: Error) =>
      new BmcError('timeout', this.#target.address, 'busy until the time was over', { cause });
    return this.#strictly(() => this.#turns.run(signal, work, late));
  }

  async #strictly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new BmcError('protocol', this.#target.address, error.message, { cause: error });
    }
  }

  async #knowledge(signal: AbortSignal): Promise<Knowledge> {
    if (!this.#known) {
      const command = { netFn: NETFN.app, command: GET_DEVICE_ID, data: NOTHING };
      const device = decodeDeviceId(await this.#client.request('device id', command, signal));
      const repository = new SensorRepository(this.#client, device);
      this.#known = { device, quirks: quirksOf(device), repository };
    }
    return this.#known;
  }

  async #records(signal: AbortSignal): Promise<readonly SdrRecord[]> {
    const { repository } = await this.#knowledge(signal);
    return repository.records(signal);
  }

  /** With their thresholds, which are asked for when the records are new. */
  async #sensors(signal: AbortSignal): Promise<readonly SensorRecord[]> {
    const records = await this.#records(signal);
    if (this.#sensorsOf !== records) {
      const sensors: SensorRecord[] = [];
      for (const sensor of readableSensors(records)) sensors.push(await withThresholds(this.#client, sensor, signal));
      this.#sensorList = sensors;
      this.#sensorsOf = records;
    }
    return this.#sensorList;
  }

  /** The completion code; of an action whose answer was lost, the one that the machine's state tells. */
  async #control(action: PowerAction, command: Command, signal: AbortSignal): Promise<number> {
    if (!DISRUPTIVE.includes(action)) return (await this.#client.ask(command, signal)).completion;
    try {
      return (await this.#client.askOnce(command, signal)).completion;
    } catch (error) {
      // Carried out, perhaps. A machine that is off shows it; of one that is on nobody knows whether it was reset.
      const isLost = error instanceof BmcError && error.code === 'timeout' && !signal.aborted;
      if (!isLost || RESULT[action] === undefined) throw error;
      if (RESULT[action] === (await this.#power(signal))) return COMPLETION.ok;
      return (await this.#client.askOnce(command, signal)).completion;
    }
  }

  /** Optional for BMCs: one without DCMI answers with some error of its choice. */
  async #measuresPower(signal: AbortSignal): Promise<boolean> {
    const command = { netFn: NETFN.group, command: DCMI.getCapabilities, data: encodeCapabilitiesRequest() };
    const { completion, data } = await this.#client.ask(command, signal);
    return completion === COMPLETION.ok && decodeDcmiCapabilities(data).powerManagement;
  }

  async #provePrivilege(signal: AbortSignal): Promise<void> {
    const limit = await accountLimit(this.#client, this.#target.credentials.username, signal);
    if (limit === undefined || limit === 'administrator' || limit === 'oem') return;
    throw new BmcError('privilege', this.#target.address, `the account has ${limit} rights, not administrator`);
  }

  async #power(signal: AbortSignal): Promise<PowerState> {
    const data = await this.#chassis('chassis status', wire.CHASSIS.getStatus, NOTHING, signal);
    return wire.decodeChassisStatus(data).powerOn ? 'On' : 'Off';
  }

  /** Optional for BMCs: one that has none answers with some error of its choice. */
  async #systemId(signal: AbortSignal): Promise<string | undefined> {
    const command = { netFn: NETFN.app, command: GET_SYSTEM_GUID, data: NOTHING };
    const { completion, data } = await this.#client.ask(command, signal);
    return completion === COMPLETION.ok ? decodeSystemGuid(data) : undefined;
  }

  /** Sets a parameter that BMCs need not have (table 28-14): one without it answers with an error and is none the worse. */
  async #offerBootOption(parameter: number, value: number[], signal: AbortSignal): Promise<void> {
    const data = Buffer.of(parameter, ...value);
    await this.#client.ask({ netFn: NETFN.chassis, command: wire.CHASSIS.setBootOptions, data }, signal);
  }

  #chassis(what: string, command: number, data: Buffer, signal: AbortSignal): Promise<Buffer> {
    return this.#client.request(what, { netFn: NETFN.chassis, command, data }, signal);
  }
}
