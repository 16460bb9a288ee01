// What events and states mean, in words, and how grave they are (IPMI 2.0 §42, tables 42-2 and 42-3).
//
// In the tables "!" marks what is critical and "~" what is a warning while it lasts; the rest is for information.
import type { Health } from '../../driver.ts';

export const THRESHOLD_EVENT = 0x01;
export const SENSOR_SPECIFIC = 0x6f;

export interface Meaning {
  readonly text: string;
  readonly severity: Health;
}

// biome-ignore format: a table of words
const THRESHOLD_TEXT = [
  '~lower non-critical going low', '~lower non-critical going high', '!lower critical going low',
  '!lower critical going high', '!lower non-recoverable going low', '!lower non-recoverable going high',
  '~upper non-critical going low', '~upper non-critical going high', '!upper critical going low',
  '!upper critical going high', '!upper non-recoverable going low', '!upper non-recoverable going high',
];

// biome-ignore format: a table of words
const GENERIC: Readonly<Record<number, readonly string[]>> = {
  1: THRESHOLD_TEXT,
  2: ['idle', 'active', 'busy'],
  3: ['state deasserted', 'state asserted'],
  4: ['predictive failure deasserted', '~predictive failure asserted'],
  5: ['limit not exceeded', '~limit exceeded'],
  6: ['performance met', '~performance lags'],
  7: [
    'OK', '~non-critical from OK', '!critical from less severe', '!non-recoverable from less severe',
    '~non-critical from more severe', '!critical from non-recoverable', '!non-recoverable', 'monitor', 'informational',
  ],
  8: ['~device absent', 'device present'],
  9: ['device disabled', 'device enabled'],
  10: [
    'running', 'in test', 'power off', 'on line', 'off line', 'off duty', '~degraded', 'power save', '~install error',
  ],
  11: [
    'fully redundant', '~redundancy lost', '~redundancy degraded', '~non-redundant: sufficient from redundant',
    '~non-redundant: sufficient from insufficient', '!non-redundant: insufficient resources',
    '~redundancy degraded from fully redundant', '~redundancy degraded from non-redundant',
  ],
  12: ['D0 power state', 'D1 power state', 'D2 power state', 'D3 power state'],
};

// biome-ignore format: a table of words
const SPECIFIC: Readonly<Record<number, readonly string[]>> = {
  5: [
    '~general chassis intrusion', '~drive bay intrusion', '~I/O card area intrusion', '~processor area intrusion',
    '~LAN leash lost', '~unauthorized dock', '~fan area intrusion',
  ],
  6: [
    '~secure mode violation attempt', '~user password violation', '~setup password violation',
    '~network boot password violation', '~other password violation', '~out-of-band password violation',
  ],
  7: [
    '!internal error (IERR)', '!thermal trip', '!FRB1/BIST failure', '!FRB2/hang in POST', '!FRB3/startup failure',
    '!configuration error', '!uncorrectable CPU-complex error', 'presence detected', '~disabled', 'terminator present',
    '~throttled', '!machine check exception', '~correctable machine check error',
  ],
  8: [
    'presence detected', '!failure detected', '~predictive failure', '!power supply input lost (AC/DC)',
    '!input lost or out of range', '!input out of range', '!configuration error', 'inactive',
  ],
  9: [
    'power off/down', 'power cycle', '240 VA power down', 'interlock power down', '!AC lost', '!soft power control failure',
    '!failure detected', '~predictive failure',
  ],
  12: [
    '~correctable ECC', '!uncorrectable ECC', '!parity', '!memory scrub failed', '~memory device disabled',
    '~correctable ECC logging limit reached', 'presence detected', '!configuration error', 'spare', '~throttled',
    '!critical overtemperature',
  ],
  13: [
    'drive present', '!drive fault', '~predictive failure', 'hot spare', 'consistency check in progress',
    '!in critical array', '!in failed array', '~rebuild in progress', '~rebuild aborted',
  ],
  15: ['!system firmware error', '!system firmware hang', 'system firmware progress'],
  16: [
    '~correctable memory error logging disabled', '~event logging disabled', 'log cleared', '~all event logging disabled',
    '~log full', '~log almost full', '~correctable machine check error logging disabled',
  ],
  17: [
    '!BIOS reset', '!OS reset', '!OS shut down', '!OS power down', '!OS power cycle', '!OS NMI', '~OS expired, status only',
    '~OS pre-timeout interrupt',
  ],
  18: [
    'system reconfigured', 'OEM system boot event', '!undetermined system hardware failure', 'entry added to auxiliary log',
    'PEF action', 'timestamp clock sync',
  ],
  19: [
    '!front panel NMI', '!bus timeout', '!I/O channel check NMI', '!software NMI', '!PCI PERR', '!PCI SERR',
    '!EISA fail safe timeout', '~bus correctable error', '!bus uncorrectable error', '!fatal NMI', '!bus fatal error',
    '~bus degraded',
  ],
  20: ['power button pressed', 'sleep button pressed', 'reset button pressed', 'FRU latch open', 'FRU service request'],
  25: ['~soft power control failure', '!thermal trip'],
  27: ['connected', '!configuration error'],
  29: [
    'initiated by power up', 'initiated by hard reset', 'initiated by warm reset', 'user requested PXE boot',
    'automatic boot to diagnostic', 'OS initiated hard reset', 'OS initiated warm reset', 'system restart',
  ],
  30: [
    '!no bootable media', '~non-bootable disk in drive', '!PXE server not found', '!invalid boot sector',
    '~timeout waiting for selection',
  ],
  31: [
    'A: boot completed', 'C: boot completed', 'PXE boot completed', 'diagnostic boot completed', 'CD-ROM boot completed',
    'ROM boot completed', 'boot completed', 'OS installation started', 'OS installation completed',
    '~OS installation aborted', '!OS installation failed',
  ],
  32: [
    '!error during system startup', '!run-time critical stop', 'graceful stop', 'graceful shutdown', '~PEF initiated soft shutdown',
    '~agent not responding',
  ],
  33: [
    '!fault status', 'identify status', 'device installed', 'ready for installation', 'ready for removal', '~power off',
    'device removal request', '~interlock', '~disabled', 'spare device',
  ],
  34: [
    'S0/G0: working', 'S1: sleeping, context kept', 'S2: sleeping, processor context lost', 'S3: suspend to RAM',
    'S4: suspend to disk', 'S5/G2: soft off', 'S4/S5: soft off', 'G3: mechanical off', 'sleeping in S1 to S3',
    'G1: sleeping', 'S5 by override', 'legacy ON', 'legacy OFF', 'unknown',
  ],
  35: [
    '~timer expired', '!hard reset', '!power down', '!power cycle', 'reserved', 'reserved', 'reserved', 'reserved',
    '~timer interrupt',
  ],
  36: ['page generated', 'LAN alert generated', 'event trap generated', 'SNMP trap generated'],
  37: ['present', '~absent', '~disabled'],
  39: ['~heartbeat lost', 'heartbeat'],
  40: [
    '~sensor access degraded or unavailable', '~controller access degraded or unavailable', '!controller off line',
    '!controller unavailable', '!sensor failure', '!FRU failure',
  ],
  41: ['~low', '!failed', 'presence detected'],
  42: ['session activated', 'session deactivated', '~invalid user name or password', '~account locked by password failures'],
  43: [
    'change detected', 'firmware change detected', '~hardware incompatibility', '~firmware incompatibility',
    '~unsupported hardware version', '~unsupported firmware version', 'hardware change successful',
    'firmware change successful',
  ],
  44: [
    'not installed', 'inactive', 'activation requested', 'activation in progress', 'active', 'deactivation requested',
    'deactivation in progress', '~communication lost',
  ],
};

function marked(entry: string): Meaning {
  if (entry.startsWith('!')) return { text: entry.slice(1), severity: 'critical' };
  if (entry.startsWith('~')) return { text: entry.slice(1), severity: 'warning' };
  return { text: entry, severity: 'ok' };
}

/** What one state of a sensor, or one event from it, means. `offset` is its number, 0 to 15. */
export function eventMeaning(eventType: number, sensorType: number, offset: number): Meaning {
  const table = eventType === SENSOR_SPECIFIC ? SPECIFIC[sensorType] : GENERIC[eventType];
  const entry = table?.[offset];
  return entry === undefined ? { text: `state ${offset}`, severity: 'unknown' } : marked(entry);
}

/** Every state whose bit is set. */
export function statesIn(bits: number, eventType: number, sensorType: number): Meaning[] {
  const offsets = Array.from({ length: 15 }, (_, offset) => offset).filter((offset) => bits & (1 << offset));
  return offsets.map((offset) => eventMeaning(eventType, sensorType, offset));
}

const GRAVITY: readonly Health[] = ['unknown', 'ok', 'warning', 'critical'];

/** The gravest of several; 'ok' for none. */
export function worst(healths: readonly Health[]): Health {
  return healths.reduce<Health>(
    (a, b) => (GRAVITY.indexOf(b) > GRAVITY.indexOf(a) ? b : a),
    healths.length ? healths[0]! : 'ok',
  );
}
