// What every part writes its log lines to: one call per level, fields first, so that lines stay searchable.

/** pino's Logger is one. Fields never hold secrets. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
