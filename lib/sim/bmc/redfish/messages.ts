// Answers of a simulated Redfish service, and its refusals in the words of the Base message registry (DSP0266 §8.6).

import type { ServerResponse } from 'node:http';

export type Body = Readonly<Record<string, unknown>>;

export interface Reply {
  /** Takes the answer over, which goes on. */
  readonly stream?: (response: ServerResponse) => void;
  readonly status: number;
  readonly body?: Body;
  readonly headers?: Readonly<Record<string, string>>;
}

export const found = (body: Body): Reply => ({ status: 200, body });
export const done = (): Reply => ({ status: 204 });

function refusal(status: number, id: string, message: string): Reply {
  const info = {
    '@odata.type': '#Message.v1_1_1.Message',
    MessageId: `Base.1.8.${id}`,
    Message: message,
    MessageArgs: [],
  };
  return { status, body: { error: { code: info.MessageId, message, '@Message.ExtendedInfo': [info] } } };
}

export const REFUSE = {
  malformed: () => refusal(400, 'MalformedJSON', 'The request body was not valid JSON.'),
  value: (property: string) => refusal(400, 'PropertyValueNotInList', `The value of ${property} is not acceptable.`),
  unknown: (property: string) => refusal(400, 'PropertyUnknown', `The property ${property} is not known.`),
  unauthorized: () => refusal(401, 'NoValidSession', 'There is no valid session established.'),
  privilege: () => refusal(403, 'InsufficientPrivilege', 'There are insufficient privileges for the account.'),
  missing: () => refusal(404, 'ResourceMissingAtURI', 'The resource was not found.'),
  method: () => refusal(405, 'OperationNotAllowed', 'The HTTP method is not allowed on this resource.'),
  state: () => refusal(409, 'ResourceCannotBeDeleted', 'The request is in conflict with the state of the resource.'),
  changed: () => refusal(412, 'PreconditionFailed', 'The ETag supplied did not match the resource.'),
  noSubscription: () =>
    refusal(503, 'EventSubscriptionLimitExceeded', 'The event subscription limit has been reached.'),
  noSession: () => refusal(503, 'SessionLimitExceeded', 'The session establishment failed due to the session limit.'),
} as const;
