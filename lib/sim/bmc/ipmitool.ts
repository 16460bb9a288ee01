// For tests: Debian's ipmitool, and a driver's sensors as the tables that it prints.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Credentials, Health, SensorReading, Threshold } from '../../bmc/driver.ts';

const run = promisify(execFile);

/** What it prints, both streams. Rejects when it fails. */
export async function ipmitool(
  { port, suite, credentials }: { port: number; suite: 3 | 17; credentials: Credentials },
  ...args: string[]
): Promise<string> {
  const { username, password } = credentials;
  const login = ['-I', 'lanplus', '-C', String(suite), '-H', '127.0.0.1', '-p', String(port), '-U', username, '-E'];
  const env = { PATH: process.env.PATH, LC_ALL: 'C', IPMI_PASSWORD: password };
  const { stdout, stderr } = await run('ipmitool', [...login, ...args], { env, timeout: 60_000 });
  return stdout + stderr;
}

/** Cells of a table, without the spaces around them. */
export const cellsOf = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

/** In the order of the columns of `ipmitool sensor list`. */
const COLUMNS: readonly Threshold[] = [
  'lowerNonRecoverable',
  'lowerCritical',
  'lowerNonCritical',
  'upperNonCritical',
  'upperCritical',
  'upperNonRecoverable',
];

/** What `sdr elist` says of a crossed threshold, the gravest first, and `sensor list`. */
const CROSSED: readonly (readonly [Threshold, sdr: string, sensor: string, Health])[] = [
  ['lowerNonRecoverable', 'lnr', 'nr', 'critical'],
  ['upperNonRecoverable', 'unr', 'nr', 'critical'],
  ['lowerCritical', 'lcr', 'cr', 'critical'],
  ['upperCritical', 'ucr', 'cr', 'critical'],
  ['lowerNonCritical', 'lnc', 'nc', 'warning'],
  ['upperNonCritical', 'unc', 'nc', 'warning'],
];

const brief = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(2));
const three = (value: number | undefined) => (value === undefined ? 'na' : value.toFixed(3));

/** The states of both tables that follow from a sensor's value and thresholds; undefined when its health does not agree. */
function standing({ value, thresholds, health }: SensorReading): { sdr: string; sensor: string } | undefined {
  if (value === undefined) return health === 'unknown' ? { sdr: 'ns', sensor: 'na' } : undefined;
  const crossed = CROSSED.find(([name]) => {
    const threshold = thresholds[name];
    return threshold !== undefined && (name.startsWith('lower') ? value <= threshold : value >= threshold);
  });
  if (!crossed) return health === 'ok' ? { sdr: 'ok', sensor: 'ok' } : undefined;
  const [, sdr, sensor, meant] = crossed;
  return health === meant ? { sdr, sensor } : undefined;
}

/** A sensor with thresholds as a line of `ipmitool sensor list`; `unit` where there is no value to have one. */
export function sensorLine(reading: SensorReading, unit: string): string[] {
  const state = standing(reading)?.sensor ?? `health ${reading.health}`;
  const limits = COLUMNS.map((name) => three(reading.thresholds[name]));
  return [reading.name, three(reading.value), reading.unit || unit, state, ...limits];
}

/** The same as a line of `ipmitool sdr elist full`, without the entity, which drivers do not tell. */
export function sdrLine(reading: SensorReading): string[] {
  const { id, name, value, unit } = reading;
  const state = standing(reading)?.sdr ?? `health ${reading.health}`;
  return [name, `${id.slice(2).toUpperCase()}h`, state, value === undefined ? 'No Reading' : `${brief(value)} ${unit}`];
}
