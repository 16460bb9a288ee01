// What a Redfish service's refusals mean: HTTP status and Base registry messages (DSP0266 §8.6, DSP8011) as BmcErrors.
import { BmcError, type BmcErrorCode } from '../errors.ts';
import { child, entryOf, type Json, objects, text } from './json.ts';

const MOST_TEXT = 200;

/** Messages that say more than the status they come with, by the last part of their id ("Base.1.8.SessionLimitExceeded"). */
const BY_MESSAGE: Readonly<Record<string, BmcErrorCode>> = {
  SessionLimitExceeded: 'busy',
  CreateLimitReachedForResource: 'busy',
  ServiceTemporarilyUnavailable: 'busy',
  ServiceInUnknownState: 'busy',
  ResourceInUse: 'busy',
  ResourceInStandby: 'busy',
  ResourceExhaustion: 'busy',
  InsufficientPrivilege: 'privilege',
  AccessDenied: 'privilege',
  NoValidSession: 'credentials',
  ResourceAtUriUnauthorized: 'credentials',
  ActionNotSupported: 'unsupported',
  ActionParameterNotSupported: 'unsupported',
  OperationNotAllowed: 'unsupported',
  PropertyNotWritable: 'unsupported',
  PropertyUnknown: 'unsupported',
  PropertyValueNotInList: 'unsupported',
};

const BY_STATUS: Readonly<Record<number, BmcErrorCode>> = {
  400: 'protocol',
  401: 'credentials',
  403: 'privilege',
  404: 'unsupported',
  405: 'unsupported',
  409: 'busy',
  412: 'busy',
  423: 'busy',
  429: 'busy',
  501: 'unsupported',
  503: 'busy',
  504: 'timeout',
};

export interface Refusal {
  readonly code: BmcErrorCode;
  /** The last part of the message's id; empty where there was none. */
  readonly message: string;
  /** The status, and what the service says of it. Without its words where these may repeat a secret. */
  readonly text: string;
}

/** Whether the service answered, and said no. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof BmcError && error.code !== 'timeout' && error.code !== 'unreachable';

export function refusal(status: number, json: Json | undefined, secret: boolean): Refusal {
  const error = child(json ?? {}, 'error');
  const [first] = objects(error, '@Message.ExtendedInfo');
  const id = text(first ?? {}, 'MessageId') ?? text(error, 'code') ?? '';
  const message = id.split('.').at(-1) ?? '';
  const words = secret ? message : (text(first ?? {}, 'Message') ?? text(error, 'message') ?? message);
  const code = entryOf(BY_MESSAGE, message) ?? BY_STATUS[status] ?? (status >= 500 ? 'busy' : 'protocol');
  return { code, message, text: `HTTP ${status}${words === '' ? '' : `: ${oneLine(words)}`}` };
}

function oneLine(words: string): string {
  const line = words.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > MOST_TEXT ? `${line.slice(0, MOST_TEXT)}…` : line;
}
