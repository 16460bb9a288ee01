// The driver for redfish:// addresses: what the operator asks of a BMC, as Redfish resources.
import type { Duplex } from 'node:stream';
import type { BmcAddress } from '../address.ts';
import type {
  BmcEvent,
  BmcHardware,
  BmcIdentity,
  BmcTarget,
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
import { impossible } from '../network.ts';
import { Turns } from '../turns.ts';
import { changePassword, proveAdministrator } from './accounts.ts';
import { RedfishClient } from './client.ts';
import { isRefusal } from './errors.ts';
import { readEventLog } from './eventlog.ts';
import { readEvents, streamPath } from './events.ts';
import { readHardware } from './hardware.ts';
import { inventoryItem, readFirmware } from './inventory.ts';
import { type Json, link, memberPaths, objects, path, ShapeError, text, texts } from './json.ts';
import { ejectMedia, hasDrive, insertedMedia, insertMedia } from './media.ts';
import { networkInterface, networkPatch, networkSettings } from './network.ts';
import type { RedfishOptions } from './options.ts';
import { readConsumption, readSensors } from './sensors.ts';
import { bootChange, bootOptions, identifyChange, powerState, resetAction, resetType } from './system.ts';
import { vendorOf } from './vendors.ts';

const CAPABILITIES: Capabilities = {
  bootModes: ['BIOS', 'UEFI'],
  sensors: true,
  eventLog: true,
  identify: true,
  console: false,
  virtualMedia: true,
  setPassword: true,
  consumption: true,
  network: true,
  events: true,
};

/** Where an action leaves the machine, once done. */
const RESULT: Readonly<Partial<Record<PowerAction, PowerState>>> = { on: 'On', off: 'Off', soft: 'Off' };

export class RedfishDriver implements Driver {
  readonly #client: RedfishClient;
  readonly #turns = new Turns();
  #systemPath: string | undefined;
  /** What the service has said of its capabilities. */
  #told: Partial<Capabilities> = {};

  constructor(target: BmcTarget, at: BmcAddress, options: Partial<RedfishOptions> = {}) {
    const { host, port, scheme } = at;
    const origin = { secure: scheme === 'redfish', host, port, ...(target.tls && { tls: target.tls }) };
    this.#client = new RedfishClient(target.address, origin, target.credentials, options);
  }

  capabilities(): Capabilities {
    return { ...CAPABILITIES, ...this.#told };
  }

  identify(signal: AbortSignal): Promise<BmcIdentity> {
    return this.#alone(signal, async () => {
      const root = await this.#client.root(signal);
      this.#systemPath = undefined; // it may have been put into another frame since
      const system = await this.#system(signal);
      await proveAdministrator(this.#client, signal);
      const manager = (await this.#related(system, 'ManagedBy', signal))[0] ?? {};
      const systemId = text(system, 'UUID')?.toLowerCase();
      this.#told = {
        events: (await streamPath(this.#client, signal)) !== undefined,
        virtualMedia: await hasDrive(
          this.#client,
          [system, ...(await this.#related(system, 'ManagedBy', signal))],
          signal,
        ),
      };
      return {
        manufacturer:
          text(manager, 'Manufacturer') ?? text(root, 'Vendor') ?? text(system, 'Manufacturer') ?? 'unknown',
        product: text(manager, 'Model') ?? text(root, 'Product') ?? 'unknown',
        firmware: text(manager, 'FirmwareVersion') ?? 'unknown',
        protocol: `Redfish ${text(root, 'RedfishVersion') ?? 'of unknown version'}`,
        ...(systemId === undefined ? {} : { systemId }),
      };
    });
  }

  power(signal: AbortSignal): Promise<PowerState> {
    return this.#alone(signal, async () => this.#powerOf(await this.#system(signal)));
  }

  setPower(action: PowerAction, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const system = await this.#system(signal);
      // Services refuse to switch on what is on, each with an error of its own. The call may be repeated, so that is none.
      const isSo = (now: Json) => RESULT[action] !== undefined && RESULT[action] === text(now, 'PowerState');
      if (isSo(system)) return;
      const reset = resetAction(system);
      const allowed = reset && (reset.allowed ?? (await this.#allowedResets(reset.actionInfo, signal)));
      const type = reset && resetType(action, allowed);
      if (!reset || !type) throw this.#client.error('unsupported', `the system has no reset that is a power ${action}`);
      try {
        await this.#client.post(reset.target, { ResetType: type }, signal);
      } catch (error) {
        // Nor is it one where it came to be so since the look.
        if (!isRefusal(error) || !isSo(await this.#system(signal))) throw error;
      }
    });
  }

  bootDevice(signal: AbortSignal): Promise<BootOptions> {
    return this.#alone(signal, async () => bootOptions(await this.#system(signal)));
  }

  setBootDevice(options: BootOptions, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const change = bootChange(await this.#system(signal), options);
      if (!change) throw this.#client.error('unsupported', `the system does not boot from ${options.device}`);
      await this.#client.patch(await this.#path(signal), change, signal);
    });
  }

  setIdentify(seconds: number, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const change = identifyChange(await this.#system(signal), seconds > 0);
      if (!change) throw this.#client.error('unsupported', 'the system has no identify light');
      await this.#client.patch(await this.#path(signal), change, signal);
    });
  }

  inventory(signal: AbortSignal): Promise<readonly InventoryItem[]> {
    return this.#strictly(async () => {
      const system = await this.#system(signal);
      const chassis = await this.#related(system, 'Chassis', signal);
      const parts = [inventoryItem(system, 'System'), ...chassis.map((part) => inventoryItem(part, 'Chassis'))];
      return parts.filter((part) => Object.keys(part).length > 1);
    });
  }

  hardware(signal: AbortSignal): Promise<BmcHardware> {
    return this.#strictly(async () => readHardware(this.#client, await this.#system(signal), signal));
  }

  sensors(signal: AbortSignal): Promise<readonly SensorReading[]> {
    return this.#strictly(async () => {
      const readings: SensorReading[] = [];
      for (const chassis of await this.#related(await this.#system(signal), 'Chassis', signal)) {
        readings.push(...(await readSensors(this.#client, chassis, signal)));
      }
      return readings;
    });
  }

  eventLog(signal: AbortSignal, after?: string): Promise<readonly LogEntry[]> {
    return this.#strictly(async () => {
      const vendor = vendorOf(await this.#client.root(signal), await this.#system(signal));
      return readEventLog(this.#client, await this.#owners(signal), vendor, after, signal);
    });
  }

  setPassword(username: string, password: string, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, () => changePassword(this.#client, username, password, signal));
  }

  firmware(signal: AbortSignal): Promise<readonly FirmwareItem[]> {
    return this.#strictly(async () => {
      const [system, ...managers] = await this.#owners(signal);
      return readFirmware(this.#client, system!, managers, signal);
    });
  }

  consumption(signal: AbortSignal): Promise<Consumption> {
    return this.#strictly(async () => {
      for (const chassis of await this.#related(await this.#system(signal), 'Chassis', signal)) {
        const found = await readConsumption(this.#client, chassis, signal);
        if (found) return found;
      }
      throw this.#client.error('unsupported', 'nothing measures what the machine draws');
    });
  }

  network(signal: AbortSignal): Promise<NetworkSettings> {
    return this.#strictly(async () => networkSettings((await this.#interface(signal)).json));
  }

  setNetwork(change: NetworkChange, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => {
      const wrong = impossible(change);
      if (wrong !== undefined) throw this.#client.error('unsupported', wrong);
      await this.#client.patch((await this.#interface(signal)).path, networkPatch(change), signal);
    });
  }

  insertMedia(image: string, signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => insertMedia(this.#client, await this.#owners(signal), image, signal));
  }

  ejectMedia(signal: AbortSignal): Promise<void> {
    return this.#alone(signal, async () => ejectMedia(this.#client, await this.#owners(signal), signal));
  }

  media(signal: AbortSignal): Promise<string | undefined> {
    return this.#strictly(async () => insertedMedia(this.#client, await this.#owners(signal), signal));
  }

  console(): Promise<Duplex> {
    return Promise.reject(this.#client.error('unsupported', 'Redfish has no console stream'));
  }

  async *events(signal: AbortSignal): AsyncGenerator<BmcEvent> {
    const from = await this.#strictly(() => streamPath(this.#client, signal));
    if (from === undefined) throw this.#client.error('unsupported', 'the service has no stream of events');
    try {
      yield* readEvents(this.#client, from, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw this.#named(error);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** A whole operation alone, so that two of them never interleave. Long readings do without: power comes between. */
  #alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const late = (cause: Error) => this.#client.error('timeout', 'busy until the time was over', cause);
    return this.#strictly(() => this.#turns.run(signal, work, late));
  }

  async #strictly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#named(error);
    }
  }

  #named(error: unknown): unknown {
    return error instanceof ShapeError ? this.#client.error('protocol', error.message, error) : error;
  }

  /** The one system behind this BMC. Throws `unsupported` where there are several: the address does not say which. */
  async #path(signal: AbortSignal): Promise<string> {
    if (this.#systemPath === undefined) {
      const collection = await this.#client.get(required(link(await this.#client.root(signal), 'Systems')), signal);
      const [only, ...others] = memberPaths(collection);
      if (others.length > 0) throw this.#client.error('unsupported', 'several systems behind one BMC');
      this.#systemPath = required(only);
    }
    return this.#systemPath;
  }

  async #system(signal: AbortSignal): Promise<Json> {
    return this.#client.get(await this.#path(signal), signal);
  }

  #powerOf(system: Json): PowerState {
    const state = powerState(system);
    if (state === undefined) throw this.#client.error('busy', 'the power state is not known now');
    return state;
  }

  async #allowedResets(actionInfo: string | undefined, signal: AbortSignal): Promise<string[] | undefined> {
    const info = await this.#client.find(actionInfo, signal);
    const parameter = info && objects(info, 'Parameters').find((each) => text(each, 'Name') === 'ResetType');
    return parameter && texts(parameter, 'AllowableValues');
  }

  /** What the system's Links point to under a name. */
  async #related(system: Json, name: string, signal: AbortSignal): Promise<Json[]> {
    const links = system.Links;
    const paths = typeof links === 'object' && links !== null ? memberPaths(links as Json, name) : [];
    const found: Json[] = [];
    for (const each of paths) {
      const json = await this.#client.find(path(each), signal);
      if (json) found.push(json);
    }
    return found;
  }

  async #interface(signal: AbortSignal) {
    const [, ...managers] = await this.#owners(signal);
    return networkInterface(this.#client, managers, signal);
  }

  /** The system and its managers: logs and media are with the one or the other. */
  async #owners(signal: AbortSignal): Promise<Json[]> {
    const system = await this.#system(signal);
    return [system, ...(await this.#related(system, 'ManagedBy', signal))];
  }
}

function required(found: string | undefined): string {
  if (found === undefined) throw new ShapeError('the service has no system');
  return found;
}
