// Data Center Manageability Interface: what a machine draws (DCMI 1.5 §6.1, §6.6.1).
import { need, WireError } from './bytes.ts';

export const DCMI = { getCapabilities: 0x01, getPowerReading: 0x02 } as const;

/** Says in every request and response that the group's commands are DCMI's. */
const GROUP = 0xdc;
const SUPPORTED_CAPABILITIES = 0x01;
const POWER_MANAGEMENT = 0x01;
const SYSTEM_POWER_STATISTICS = 0x01;
const MEASURING = 0x40;

export const encodeCapabilitiesRequest = () => Buffer.of(GROUP, SUPPORTED_CAPABILITIES);

function checkGroup(data: Buffer, length: number, what: string): void {
  need(data, length, what);
  if (data[0] !== GROUP) throw new WireError(`${what}: group ${data[0]}, not DCMI`);
}

/** Get DCMI Capabilities, parameter 1: whether the machine's draw is measured. */
export function decodeDcmiCapabilities(data: Buffer): { powerManagement: boolean } {
  checkGroup(data, 7, 'DCMI capabilities');
  return { powerManagement: (data[5]! & POWER_MANAGEMENT) !== 0 };
}

/** DCMI 1.5, revision 2; `powerManagement` is all that is optional here. */
export function encodeDcmiCapabilities({ powerManagement }: { powerManagement: boolean }): Buffer {
  return Buffer.of(GROUP, 1, 5, 2, 0, powerManagement ? POWER_MANAGEMENT : 0, 0);
}

export interface PowerStatistics {
  /** Watts. */
  readonly current: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly average: number;
  /** The time that these statistics are of. */
  readonly periodMs: number;
  readonly measuring: boolean;
}

export const encodePowerReadingRequest = () => Buffer.of(GROUP, SYSTEM_POWER_STATISTICS, 0, 0);

export function decodePowerReading(data: Buffer): PowerStatistics {
  checkGroup(data, 18, 'DCMI power reading');
  return {
    current: data.readUInt16LE(1),
    minimum: data.readUInt16LE(3),
    maximum: data.readUInt16LE(5),
    average: data.readUInt16LE(7),
    periodMs: data.readUInt32LE(13),
    measuring: (data[17]! & MEASURING) !== 0,
  };
}

/** `seconds` since 1970. */
export function encodePowerReading(statistics: PowerStatistics, seconds: number): Buffer {
  const data = Buffer.alloc(18);
  data[0] = GROUP;
  data.writeUInt16LE(statistics.current, 1);
  data.writeUInt16LE(statistics.minimum, 3);
  data.writeUInt16LE(statistics.maximum, 5);
  data.writeUInt16LE(statistics.average, 7);
  data.writeUInt32LE(seconds, 9);
  data.writeUInt32LE(statistics.periodMs, 13);
  data[17] = statistics.measuring ? MEASURING : 0;
  return data;
}
