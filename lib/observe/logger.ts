// The product's logger: JSON lines on standard output, with the fields that may hold secrets blacked out.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Default `info`. */
  level?: LogLevel | undefined;
  /** Default standard output. */
  destination?: DestinationStream | undefined;
}

/** Names of fields that are never written, wherever they stand in the first three levels. */
const SECRET_FIELDS = [
  'password',
  'passphrase',
  'token',
  'secret',
  'authorization',
  'credentials',
  'privateKey',
  'clientKeyData',
  'userData',
];
const paths = (name: string) => [name, `*.${name}`, `*.*.${name}`];

export function createLogger({ level = 'info', destination }: LoggerOptions = {}): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap(paths), censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
