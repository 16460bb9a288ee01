// What the API, the agent and the simulated machines need of a log: pino's loggers fit.
import type { BaseLogger } from 'pino';

export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;
