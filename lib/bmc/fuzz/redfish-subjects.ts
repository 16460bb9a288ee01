// Every reader of Redfish's resources, with resources that it understands: what strange ones are made from.

import { refusal } from '../redfish/errors.ts';
import { logEntry } from '../redfish/eventlog.ts';
import { EventDecoder, eventsIn } from '../redfish/events.ts';
import { firmwareItem, inventoryItem } from '../redfish/inventory.ts';
import { type Json, link, memberPaths, path } from '../redfish/json.ts';
import { networkSettings } from '../redfish/network.ts';
import { consumption, health, oldReadings, sensorReading } from '../redfish/sensors.ts';
import { bootChange, bootOptions, identifyChange, powerState, resetAction, resetType } from '../redfish/system.ts';
import { taskOutcome } from '../redfish/tasks.ts';
import { vendorOf } from '../redfish/vendors.ts';

export interface RedfishSubject {
  readonly read: (json: Json) => unknown;
  readonly samples: readonly Json[];
}

const SYSTEM: Json = {
  PowerState: 'On',
  Manufacturer: 'HPE',
  LocationIndicatorActive: false,
  Boot: {
    BootSourceOverrideEnabled: 'Once',
    BootSourceOverrideTarget: 'Pxe',
    BootSourceOverrideMode: 'UEFI',
    'BootSourceOverrideTarget@Redfish.AllowableValues': ['None', 'Pxe', 'Hdd'],
  },
  Actions: {
    '#ComputerSystem.Reset': {
      target: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset',
      '@Redfish.ActionInfo': '/redfish/v1/Systems/1/ResetActionInfo',
      'ResetType@Redfish.AllowableValues': ['On', 'ForceOff', 'PowerCycle'],
    },
  },
};

const SENSOR: Json = {
  Id: 'cpu1',
  Name: 'CPU1 Temp',
  ReadingType: 'Temperature',
  Reading: 58.5,
  ReadingUnits: 'Cel',
  Status: { State: 'Enabled', Health: 'OK' },
  Thresholds: { UpperCritical: { Reading: 95 }, LowerCaution: { Reading: 3 } },
};

const THERMAL: Json = {
  Temperatures: [{ MemberId: '0', Name: 'Inlet', ReadingCelsius: 23, Status: { Health: 'OK' } }],
  Fans: [{ FanName: 'FAN1', Reading: 8000, ReadingUnits: 'RPM', LowerThresholdCritical: 1000 }],
};

const POWER: Json = {
  Voltages: [{ Name: '12V', ReadingVolts: 12.06 }],
  PowerControl: [{ PowerConsumedWatts: 320 }],
  PowerSupplies: [{ Name: 'PSU1', LastPowerOutputWatts: 160, Status: { State: 'Enabled', Health: 'Warning' } }],
};

const ENTRY: Json = {
  Id: '7',
  Name: 'CPU1 Temp',
  Created: '2026-01-02T03:04:05Z',
  Severity: 'Critical',
  SensorType: 'Temperature',
  EntryCode: 'Assert',
  Message: 'upper critical going high',
};

const EVENT: Json = {
  Events: [
    {
      EventTimestamp: '2026-01-02T03:04:05Z',
      MessageSeverity: 'Critical',
      MessageId: 'ResourceEvent.1.1.ResourcePoweredOn',
      Message: 'The resource has powered on.',
    },
  ],
};

const REFUSED: Json = {
  error: {
    code: 'Base.1.8.GeneralError',
    message: 'see extended info',
    '@Message.ExtendedInfo': [{ MessageId: 'Base.1.8.SessionLimitExceeded', Message: 'too many sessions' }],
  },
};

const PART: Json = {
  Name: 'BIOS',
  Version: '2.4.1',
  Manufacturer: 'Acme',
  SerialNumber: 'SN0007',
  TaskState: 'Running',
  PowerConsumedWatts: 320,
  PowerMetrics: { MinConsumedWatts: 260, AverageConsumedWatts: 300 },
};

const INTERFACE: Json = {
  MACAddress: '52:54:00:12:34:56',
  IPv4Addresses: [{ Address: '192.0.2.10', SubnetMask: '255.255.255.0', Gateway: '0.0.0.0', AddressOrigin: 'Static' }],
  VLAN: { VLANEnable: true, VLANId: 42 },
};

const COLLECTION: Json = {
  Members: [{ '@odata.id': '/redfish/v1/Systems/1' }, { '@odata.id': '/redfish/v1/Systems/2' }],
  Systems: { '@odata.id': '/redfish/v1/Systems' },
};

export const REDFISH_SUBJECTS: Readonly<Record<string, RedfishSubject>> = {
  'Redfish system': {
    read: (system) => [
      powerState(system),
      bootOptions(system),
      bootChange(system, { device: 'pxe', persistent: false, mode: 'UEFI' }),
      identifyChange(system, true),
      resetType('cycle', resetAction(system)?.allowed),
      vendorOf({}, system),
    ],
    samples: [SYSTEM],
  },
  'Redfish sensor': { read: (sensor) => [sensorReading(sensor), health(sensor)], samples: [SENSOR] },
  'Redfish thermal and power': { read: (json) => oldReadings(json, json), samples: [THERMAL, POWER] },
  'Redfish log entry': { read: logEntry, samples: [ENTRY] },
  'Redfish event': {
    read: (json) => [eventsIn(json), new EventDecoder().push(Buffer.from(`data: ${JSON.stringify(json)}\n\n`)).length],
    samples: [EVENT],
  },
  'Redfish refusal': { read: (json) => [refusal(400, json, false), refusal(503, json, true)], samples: [REFUSED] },
  'Redfish parts and firmware': {
    read: (json) => [inventoryItem(json, 'System'), firmwareItem(json), taskOutcome(200, json), consumption(json)],
    samples: [PART],
  },
  'Redfish network': { read: networkSettings, samples: [INTERFACE] },
  'Redfish links': {
    read: (json) => [memberPaths(json), link(json, 'Systems'), path(json.Systems)],
    samples: [COLLECTION],
  },
};
