// The resources of a simulated Redfish service, made from the BMC's state whenever they are asked for.

import { decodeSystemGuid } from '../../../bmc/ipmi/wire/device.ts';
import { THRESHOLD_EVENT } from '../../../bmc/ipmi/wire/events.ts';
import * as lan from '../../../bmc/ipmi/wire/lan.ts';
import { convert, unconvert } from '../../../bmc/ipmi/wire/reading.ts';
import { decodeSelRecord, eventText } from '../../../bmc/ipmi/wire/sel.ts';
import { SENSOR_TYPE } from '../../../bmc/ipmi/wire/units.ts';
import { type AnalogSensor, crossedBy, drawn, SENSORS, type Thresholds, thresholdsOf, valueAt } from '../sensors.ts';
import type { BmcState } from '../state.ts';
import { MAX_USERS, type UserSlot } from '../users.ts';
import { DELIVERY, EVENT_TYPES, type SimulatedEvent, type Subscription } from './events.ts';
import type { Body } from './messages.ts';
import type { RedfishSession } from './tokens.ts';

export const ROOT = '/redfish/v1';
export const SYSTEM = `${ROOT}/Systems/1`;
export const CHASSIS = `${ROOT}/Chassis/1`;
export const MANAGER = `${ROOT}/Managers/1`;
export const ACCOUNTS = `${ROOT}/AccountService/Accounts`;
export const SESSIONS = `${ROOT}/SessionService/Sessions`;
export const LOG = `${SYSTEM}/LogServices/SEL`;
export const INTERFACE = `${MANAGER}/EthernetInterfaces/1`;
export const FIRMWARE = `${ROOT}/UpdateService/FirmwareInventory`;
export const TASKS = `${ROOT}/TaskService/Tasks`;
export const EVENTS = `${ROOT}/EventService`;
export const SUBSCRIPTIONS = `${EVENTS}/Subscriptions`;
export const STREAM = `${EVENTS}/SSE`;
export const TEST_EVENT = `${EVENTS}/Actions/EventService.SubmitTestEvent`;
export const MEDIA = `${MANAGER}/VirtualMedia/Cd`;

/** Of the machine: their schemas. */
export const PARTS = {
  Processors: 'Processor.v1_12_0.Processor',
  Memory: 'Memory.v1_13_0.Memory',
  Drives: 'Drive.v1_14_0.Drive',
  EthernetInterfaces: 'EthernetInterface.v1_8_0.EthernetInterface',
} as const;

const GOOD = { State: 'Enabled', Health: 'OK' };

const ref = (path: string) => ({ '@odata.id': path });

export function resource(path: string, type: string, name: string, rest: Body): Body {
  return { '@odata.id': path, '@odata.type': `#${type}`, Id: path.split('/').at(-1), Name: name, ...rest };
}

export function collection(path: string, name: string, members: readonly (string | Body)[]): Body {
  const listed = members.map((member) => (typeof member === 'string' ? ref(member) : member));
  const type = `${name}Collection.${name}Collection`;
  return resource(path, type, `${name} Collection`, { 'Members@odata.count': listed.length, Members: listed });
}

export function root({ guid }: BmcState): Body {
  return {
    ...resource(`${ROOT}/`, 'ServiceRoot.v1_5_0.ServiceRoot', 'Root Service', {}),
    Id: 'RootService',
    RedfishVersion: '1.6.0',
    UUID: decodeSystemGuid(guid),
    Systems: ref(`${ROOT}/Systems`),
    Chassis: ref(`${ROOT}/Chassis`),
    Managers: ref(`${ROOT}/Managers`),
    SessionService: ref(`${ROOT}/SessionService`),
    AccountService: ref(`${ROOT}/AccountService`),
    UpdateService: ref(`${ROOT}/UpdateService`),
    Tasks: ref(`${ROOT}/TaskService`),
    EventService: ref(EVENTS),
    Links: { Sessions: ref(SESSIONS) },
  };
}

/** IPMI's names for boot devices as Redfish's. */
export const BOOT_TARGETS = {
  none: 'None',
  pxe: 'Pxe',
  disk: 'Hdd',
  safe: 'Hdd',
  diag: 'Diags',
  cdrom: 'Cd',
  bios: 'BiosSetup',
  floppy: 'Floppy',
} as const;

export const RESET_TYPES = {
  On: 'on',
  ForceOn: 'on',
  ForceOff: 'off',
  GracefulShutdown: 'soft',
  ForceRestart: 'reset',
  PowerCycle: 'cycle',
  Nmi: 'diag',
} as const;

export function system(state: BmcState): Body {
  const { chassis, fru, guid } = state;
  const { boot } = chassis;
  const enabled = boot.persistent ? 'Continuous' : 'Once';
  const name = fru?.product;
  return resource(SYSTEM, 'ComputerSystem.v1_13_0.ComputerSystem', 'System', {
    SystemType: 'Physical',
    UUID: decodeSystemGuid(guid),
    Manufacturer: name?.manufacturer ?? null,
    Model: name?.name ?? null,
    SKU: name?.partNumber ?? null,
    SerialNumber: name?.serialNumber ?? null,
    AssetTag: name?.assetTag ?? null,
    PowerState: chassis.power(),
    LocationIndicatorActive: state.identifyUntil > state.now(),
    Status: GOOD,
    Boot: {
      BootSourceOverrideEnabled: boot.valid ? enabled : 'Disabled',
      BootSourceOverrideTarget: boot.valid ? BOOT_TARGETS[boot.device] : 'None',
      BootSourceOverrideMode: boot.efi ? 'UEFI' : 'Legacy',
      'BootSourceOverrideTarget@Redfish.AllowableValues': ['None', 'Pxe', 'Hdd', 'Cd', 'Diags', 'BiosSetup', 'Floppy'],
    },
    Actions: {
      '#ComputerSystem.Reset': {
        target: `${SYSTEM}/Actions/ComputerSystem.Reset`,
        'ResetType@Redfish.AllowableValues': Object.keys(RESET_TYPES),
      },
    },
    LogServices: ref(`${SYSTEM}/LogServices`),
    ...(chassis.hardware && {
      BiosVersion: chassis.hardware.firmware,
      Processors: ref(`${SYSTEM}/Processors`),
      Memory: ref(`${SYSTEM}/Memory`),
      Storage: ref(`${SYSTEM}/Storage`),
      EthernetInterfaces: ref(`${SYSTEM}/EthernetInterfaces`),
    }),
    Links: { Chassis: [ref(CHASSIS)], ManagedBy: [ref(MANAGER)] },
  });
}

export function chassis({ fru }: BmcState): Body {
  return resource(CHASSIS, 'Chassis.v1_14_0.Chassis', 'Chassis', {
    ChassisType: 'RackMount',
    Manufacturer: fru?.board?.manufacturer ?? null,
    PartNumber: fru?.chassis?.partNumber ?? null,
    SerialNumber: fru?.chassis?.serialNumber ?? null,
    Status: GOOD,
    Sensors: ref(`${CHASSIS}/Sensors`),
    Thermal: ref(`${CHASSIS}/Thermal`),
    Power: ref(`${CHASSIS}/Power`),
    Links: { ComputerSystems: [ref(SYSTEM)], ManagedBy: [ref(MANAGER)] },
  });
}

export function manager({ device, fru }: BmcState): Body {
  return resource(MANAGER, 'Manager.v1_5_0.Manager', 'Manager', {
    ManagerType: 'BMC',
    Manufacturer: fru?.product?.manufacturer ?? 'Simulated',
    Model: `BMC ${device.productId}`,
    FirmwareVersion: device.firmware,
    Status: GOOD,
    VirtualMedia: ref(`${MANAGER}/VirtualMedia`),
    EthernetInterfaces: ref(`${MANAGER}/EthernetInterfaces`),
    Links: { ManagerForServers: [ref(SYSTEM)], ManagerForChassis: [ref(CHASSIS)] },
  });
}

export function media({ media: image }: BmcState): Body {
  return resource(MEDIA, 'VirtualMedia.v1_3_0.VirtualMedia', 'Virtual CD', {
    MediaTypes: ['CD', 'DVD'],
    Image: image ?? null,
    Inserted: image !== undefined,
    WriteProtected: true,
    ConnectedVia: image === undefined ? 'NotConnected' : 'URI',
    Actions: {
      '#VirtualMedia.InsertMedia': { target: `${MEDIA}/Actions/VirtualMedia.InsertMedia` },
      '#VirtualMedia.EjectMedia': { target: `${MEDIA}/Actions/VirtualMedia.EjectMedia` },
    },
  });
}

/** The same settings that IPMI's LAN parameters hold. */
export function networkInterface({ network }: BmcState): Body {
  const bytes = (parameter: number) => network.get(parameter)!;
  const source = lan.decodeAddressSource(bytes(lan.LAN_PARAMETER.source));
  const vlan = lan.decodeVlan(bytes(lan.LAN_PARAMETER.vlan));
  const ipv4 = {
    Address: lan.decodeIpv4(bytes(lan.LAN_PARAMETER.address)),
    SubnetMask: lan.decodeIpv4(bytes(lan.LAN_PARAMETER.netmask)),
    Gateway: lan.decodeIpv4(bytes(lan.LAN_PARAMETER.gateway)),
    AddressOrigin: source === 'dhcp' ? 'DHCP' : 'Static',
  };
  return resource(INTERFACE, 'EthernetInterface.v1_5_0.EthernetInterface', 'Manager Ethernet Interface', {
    MACAddress: lan.decodeMac(bytes(lan.LAN_PARAMETER.macAddress)),
    DHCPv4: { DHCPEnabled: source === 'dhcp' },
    IPv4Addresses: [ipv4],
    IPv4StaticAddresses: source === 'static' ? [ipv4] : [],
    VLAN: { VLANEnable: vlan !== undefined, VLANId: vlan ?? null },
    Status: GOOD,
  });
}

/** What has firmware, by name. */
export const firmwareVersions = ({ device }: BmcState): Readonly<Record<string, string>> => ({
  BMC: device.firmware,
  BIOS: '2.4.1',
});

export function firmware(name: string, version: string): Body {
  return resource(`${FIRMWARE}/${name}`, 'SoftwareInventory.v1_3_0.SoftwareInventory', name, {
    Version: version,
    Updateable: true,
    Status: GOOD,
  });
}

export function task(id: string, isRunning: boolean): Body {
  const state = isRunning ? { TaskState: 'Running' } : { TaskState: 'Completed', TaskStatus: 'OK' };
  return resource(`${TASKS}/${id}`, 'Task.v1_4_3.Task', `Task ${id}`, state);
}

export const ROLES = {
  Administrator: ['Login', 'ConfigureManager', 'ConfigureUsers', 'ConfigureSelf', 'ConfigureComponents'],
  Operator: ['Login', 'ConfigureSelf', 'ConfigureComponents'],
  ReadOnly: ['Login', 'ConfigureSelf'],
} as const;

export function roleOf({ privilege }: UserSlot): keyof typeof ROLES {
  if (privilege === 'administrator' || privilege === 'oem') return 'Administrator';
  return privilege === 'operator' ? 'Operator' : 'ReadOnly';
}

export function role(name: keyof typeof ROLES): Body {
  const path = `${ROOT}/AccountService/Roles/${name}`;
  return resource(path, 'Role.v1_2_4.Role', name, { IsPredefined: true, AssignedPrivileges: ROLES[name] });
}

/** The slots that have a name. */
export function accounts({ users }: BmcState): UserSlot[] {
  const slots = Array.from({ length: MAX_USERS }, (_, index) => users.slot(index + 1));
  return slots.filter((user) => user !== undefined).filter((user) => user.name !== '');
}

export function account(user: UserSlot): Body {
  return resource(`${ACCOUNTS}/${user.id}`, 'ManagerAccount.v1_4_0.ManagerAccount', 'User Account', {
    UserName: user.name,
    Password: null,
    Enabled: user.enabled,
    RoleId: roleOf(user),
    Links: { Role: ref(`${ROOT}/AccountService/Roles/${roleOf(user)}`) },
  });
}

export function session({ id, user }: RedfishSession): Body {
  return resource(`${SESSIONS}/${id}`, 'Session.v1_1_0.Session', 'User Session', { UserName: user.name });
}

export function service(name: 'AccountService' | 'SessionService' | 'UpdateService' | 'TaskService'): Body {
  const members =
    name === 'AccountService' ? { Accounts: ref(ACCOUNTS), Roles: ref(`${ROOT}/AccountService/Roles`) } : {};
  const sessions = name === 'SessionService' ? { Sessions: ref(SESSIONS), SessionTimeout: 1800 } : {};
  const software = name === 'UpdateService' ? { FirmwareInventory: ref(FIRMWARE) } : {};
  const tasks = name === 'TaskService' ? { Tasks: ref(TASKS) } : {};
  const rest = { ServiceEnabled: true, ...members, ...sessions, ...software, ...tasks };
  return resource(`${ROOT}/${name}`, `${name}.v1_5_0.${name}`, name, rest);
}

const analogs = SENSORS.filter((sensor): sensor is AnalogSensor => sensor.kind === 'analog');

const KINDS: Readonly<Record<number, { readonly type: string; readonly units: string }>> = {
  [SENSOR_TYPE.temperature]: { type: 'Temperature', units: 'Cel' },
  [SENSOR_TYPE.fan]: { type: 'Rotational', units: 'RPM' },
  [SENSOR_TYPE.voltage]: { type: 'Voltage', units: 'V' },
  [SENSOR_TYPE.current]: { type: 'Power', units: 'W' },
};

interface Shown {
  readonly sensor: AnalogSensor;
  readonly thresholds: Thresholds;
  readonly value: number | null;
  readonly health: 'OK' | 'Warning' | 'Critical' | null;
}

/** What IPMI would show, too: rounded to what the sensor can tell. */
function shown(state: BmcState, sensor: AnalogSensor): Shown {
  const thresholds = thresholdsOf(state, sensor);
  if (sensor.needsPower && state.chassis.power() === 'Off') return { sensor, thresholds, value: null, health: null };
  const value = state.sensorValues.get(sensor.number) ?? valueAt(sensor, state.seed, state.now());
  const crossed = crossedBy(thresholds, value);
  const severe = (crossed & 0b110110) !== 0 ? 'Critical' : 'Warning';
  const rounded = convert(unconvert(value, sensor.conversion), sensor.conversion) ?? null;
  return { sensor, thresholds, value: rounded, health: crossed === 0 ? 'OK' : severe };
}

const sensorPath = (sensor: AnalogSensor) => `${CHASSIS}/Sensors/${sensor.name.replaceAll(' ', '')}`;
const status = ({ health }: Shown) => (health ? { State: 'Enabled', Health: health } : { State: 'UnavailableOffline' });

export const sensorPaths = () => analogs.map(sensorPath);

export function sensor(state: BmcState, path: string): Body | undefined {
  const known = analogs.find((each) => sensorPath(each) === path);
  if (!known) return undefined;
  const now = shown(state, known);
  const { type, units } = KINDS[known.type]!;
  const limit = (value: number | undefined) => (value === undefined ? undefined : { Reading: value });
  const { thresholds } = now;
  return resource(path, 'Sensor.v1_1_0.Sensor', known.name, {
    ReadingType: type,
    Reading: now.value,
    ReadingUnits: units,
    Status: status(now),
    Thresholds: {
      LowerCaution: limit(thresholds.lowerNonCritical),
      LowerCritical: limit(thresholds.lowerCritical),
      LowerFatal: limit(thresholds.lowerNonRecoverable),
      UpperCaution: limit(thresholds.upperNonCritical),
      UpperCritical: limit(thresholds.upperCritical),
      UpperFatal: limit(thresholds.upperNonRecoverable),
    },
  });
}

/** The resources of older services: the same readings once more. */
export function old(state: BmcState, name: 'Thermal' | 'Power'): Body {
  const of = (type: number, property: string) =>
    analogs
      .filter((each) => each.type === type)
      .map((each) => shown(state, each))
      .map((now, index) => ({
        '@odata.id': `${CHASSIS}/${name}#/${index}`,
        MemberId: `0x${now.sensor.number.toString(16)}`,
        Name: now.sensor.name,
        [property]: now.value,
        Status: status(now),
        LowerThresholdNonCritical: now.thresholds.lowerNonCritical ?? null,
        LowerThresholdCritical: now.thresholds.lowerCritical ?? null,
        UpperThresholdNonCritical: now.thresholds.upperNonCritical ?? null,
        UpperThresholdCritical: now.thresholds.upperCritical ?? null,
        UpperThresholdFatal: now.thresholds.upperNonRecoverable ?? null,
      }));
  const parts =
    name === 'Thermal'
      ? { Temperatures: of(SENSOR_TYPE.temperature, 'ReadingCelsius'), Fans: of(SENSOR_TYPE.fan, 'Reading') }
      : {
          Voltages: of(SENSOR_TYPE.voltage, 'ReadingVolts'),
          PowerControl: of(SENSOR_TYPE.current, 'PowerConsumedWatts').map((control) => ({
            ...control,
            ...draw(state),
          })),
        };
  return resource(`${CHASSIS}/${name}`, `${name}.v1_6_0.${name}`, name, parts);
}

function draw(state: BmcState): Body {
  const { current, minimum, maximum, average } = drawn(state);
  const metrics = { MinConsumedWatts: minimum, MaxConsumedWatts: maximum, AverageConsumedWatts: average };
  return { PowerConsumedWatts: current, PowerMetrics: metrics };
}

export function logService({ log }: BmcState): Body {
  return resource(LOG, 'LogService.v1_1_0.LogService', 'System Event Log', {
    LogEntryType: 'SEL',
    MaxNumberOfRecords: log.size + log.free,
    Entries: ref(`${LOG}/Entries`),
    Actions: { '#LogService.ClearLog': { target: `${LOG}/Actions/LogService.ClearLog` } },
  });
}

const SEVERITY = { ok: 'OK', unknown: 'OK', warning: 'Warning', critical: 'Critical' } as const;

export function logEntry(record: Buffer): Body {
  const { id, seconds, event } = decodeSelRecord(record);
  const known = SENSORS.find((each) => each.number === event?.sensorNumber);
  const unitless = (raw: number) => (known?.kind === 'analog' ? String(convert(raw, known.conversion)) : undefined);
  const { message, severity } = eventText(decodeSelRecord(record), unitless);
  const analog = event?.eventType === THRESHOLD_EVENT;
  return {
    ...resource(`${LOG}/Entries/${id}`, 'LogEntry.v1_4_0.LogEntry', known?.name ?? 'Event', {}),
    EntryType: 'SEL',
    Severity: SEVERITY[severity],
    Created: new Date((seconds ?? 0) * 1000).toISOString(),
    EntryCode: event?.asserted === false ? 'Deassert' : 'Assert',
    SensorType: analog ? KINDS[event.sensorType]?.type : undefined,
    Message: message,
  };
}

export function eventService(): Body {
  return resource(EVENTS, 'EventService.v1_5_0.EventService', 'Event Service', {
    ServiceEnabled: true,
    Status: GOOD,
    DeliveryRetryAttempts: DELIVERY.attempts,
    DeliveryRetryIntervalSeconds: DELIVERY.pauseMs / 1000,
    EventFormatTypes: ['Event'],
    EventTypesForSubscription: EVENT_TYPES,
    ServerSentEventUri: STREAM,
    Subscriptions: ref(SUBSCRIPTIONS),
    Actions: {
      '#EventService.SubmitTestEvent': { target: TEST_EVENT, 'EventType@Redfish.AllowableValues': EVENT_TYPES },
    },
  });
}

export function subscription({ id, destination, context, types, stream }: Subscription): Body {
  return resource(`${SUBSCRIPTIONS}/${id}`, 'EventDestination.v1_8_0.EventDestination', 'Subscription', {
    Destination: destination,
    Context: context,
    Protocol: 'Redfish',
    SubscriptionType: stream ? 'SSE' : 'RedfishEvent',
    EventFormatType: 'Event',
    EventTypes: types.length > 0 ? types : EVENT_TYPES,
    DeliveryRetryPolicy: 'TerminateAfterRetries',
  });
}

export const powerEvent = (power: 'On' | 'Off'): SimulatedEvent => ({
  type: 'StatusChange',
  messageId: `ResourceEvent.1.1.ResourcePowered${power}`,
  message: `The resource has powered ${power.toLowerCase()}.`,
  severity: 'OK',
  origin: SYSTEM,
});

export function entryEvent(record: Buffer): SimulatedEvent {
  const { '@odata.id': origin, Message: message, Severity: severity } = logEntry(record);
  const told = { origin, message, severity } as Pick<SimulatedEvent, 'origin' | 'message' | 'severity'>;
  return { type: 'Alert', messageId: 'ResourceEvent.1.1.ResourceErrorsDetected', ...told };
}
