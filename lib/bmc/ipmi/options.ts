// What may be tuned about talking to a BMC, and what it is otherwise.
import type { Schedule } from './exchange.ts';
import type { CipherSuiteId } from './wire/cipher.ts';

export interface IpmiOptions {
  /** Suites that may be used, the preferred one first. */
  readonly cipherSuites: readonly CipherSuiteId[];
  /** For log-in messages and commands. BMCs take up to a second for some. */
  readonly schedule: Schedule;
  /** For asking which suites there are: some BMCs never answer that, and then the suites are simply tried. */
  readonly suitesSchedule: Schedule;
  /** For Close Session, whose answer nobody needs. */
  readonly closeSchedule: Schedule;
  /** Milliseconds of silence after which a BMC may have dropped the session: 60 s ± 3 s by §6.12.15, with a margin. */
  readonly sessionTimeoutMs: number;
  /** Milliseconds without use after which a session is kept alive, and how long that is done before it is closed. */
  readonly keepAliveMs: number;
  readonly idleMs: number;
  /** Whole log-in attempts, when messages of one were lost or crossed. */
  readonly logInAttempts: number;
  /** Times that a command is sent anew when the BMC is busy, and the pause before each, in milliseconds. */
  readonly busyPauses: Schedule;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
}

const resolved = new WeakMap<Partial<IpmiOptions>, IpmiOptions>();

/** All options, one object for all drivers that were given the same: there are thousands of them. */
export function withDefaults(options: Partial<IpmiOptions>): IpmiOptions {
  const known = resolved.get(options) ?? { ...DEFAULT_IPMI_OPTIONS, ...options };
  resolved.set(options, known);
  return known;
}

export const DEFAULT_IPMI_OPTIONS: IpmiOptions = {
  cipherSuites: [17, 3],
  schedule: [500, 1000, 2000, 3000],
  suitesSchedule: [500, 1000],
  closeSchedule: [500],
  sessionTimeoutMs: 55_000,
  keepAliveMs: 30_000,
  idleMs: 300_000,
  logInAttempts: 3,
  busyPauses: [100, 300, 1000],
  now: () => performance.now(),
};
