// Names of sensor units and sensor types (IPMI 2.0 tables 43-15 and 42-3).

// biome-ignore format: a table of words
const UNITS: readonly string[] = [
  'unspecified', 'degrees C', 'degrees F', 'degrees K', 'Volts', 'Amps', 'Watts', 'Joules', 'Coulombs', 'VA', 'Nits',
  'lumen', 'lux', 'Candela', 'kPa', 'PSI', 'Newton', 'CFM', 'RPM', 'Hz', 'microsecond', 'millisecond', 'second', 'minute',
  'hour', 'day', 'week', 'mil', 'inches', 'feet', 'cu in', 'cu feet', 'mm', 'cm', 'm', 'cu cm', 'cu m', 'liters',
  'fluid ounce', 'radians', 'steradians', 'revolutions', 'cycles', 'gravities', 'ounce', 'pound', 'ft-lb', 'oz-in', 'gauss',
  'gilberts', 'henry', 'millihenry', 'farad', 'microfarad', 'ohms', 'siemens', 'mole', 'becquerel', 'PPM', 'reserved',
  'Decibels', 'DbA', 'DbC', 'gray', 'sievert', 'color temp deg K', 'bit', 'kilobit', 'megabit', 'gigabit', 'byte',
  'kilobyte', 'megabyte', 'gigabyte', 'word', 'dword', 'qword', 'line', 'hit', 'miss', 'retry', 'reset', 'overflow',
  'underrun', 'collision', 'packets', 'messages', 'characters', 'error', 'correctable error', 'uncorrectable error',
  'fatal error', 'grams',
];

const RATES = ['', ' per microsecond', ' per millisecond', ' per second', ' per minute', ' per hour', ' per day', ''];

export const UNIT = { degreesC: 1, volts: 4, amps: 5, watts: 6, rpm: 18 } as const;

export interface SensorUnits {
  readonly percent: boolean;
  readonly base: number;
  readonly modifier: number;
  /** How the modifier unit applies: not, divided by it, multiplied with it. */
  readonly modifierUse: number;
  readonly rate: number;
}

/** "degrees C", "Watts * hour", "percent", "RPM". */
export function unitText(units: SensorUnits): string {
  if (units.percent) return 'percent';
  const name = (number: number) => UNITS[number] ?? `unit ${number}`;
  const modifier = ['', `/${name(units.modifier)}`, ` * ${name(units.modifier)}`][units.modifierUse] ?? '';
  const base = units.base === 0 ? '' : name(units.base);
  return `${base}${modifier}${RATES[units.rate]}`;
}

// biome-ignore format: a table of words
const SENSOR_TYPES: readonly string[] = [
  'reserved', 'Temperature', 'Voltage', 'Current', 'Fan', 'Physical Security', 'Platform Security', 'Processor',
  'Power Supply', 'Power Unit', 'Cooling Device', 'Other', 'Memory', 'Drive Slot', 'POST Memory Resize',
  'System Firmware', 'Event Logging Disabled', 'Watchdog 1', 'System Event', 'Critical Interrupt', 'Button', 'Module',
  'Microcontroller', 'Add-in Card', 'Chassis', 'Chip Set', 'Other FRU', 'Cable', 'Terminator', 'System Boot', 'Boot Error',
  'OS Boot', 'OS Stop', 'Slot', 'System ACPI Power State', 'Watchdog 2', 'Platform Alert', 'Entity Presence',
  'Monitor ASIC', 'LAN', 'Management Subsystem Health', 'Battery', 'Session Audit', 'Version Change', 'FRU State',
];

export const SENSOR_TYPE = {
  temperature: 1,
  voltage: 2,
  current: 3,
  fan: 4,
  processor: 7,
  powerSupply: 8,
  memory: 12,
} as const;

export function sensorTypeText(type: number): string {
  return SENSOR_TYPES[type] ?? (type >= 0xc0 ? 'OEM' : `type 0x${type.toString(16)}`);
}
