// Completion codes: how every IPMI response begins (IPMI 2.0 §5.2, table 5-2).

export const COMPLETION = {
  ok: 0x00,
  nodeBusy: 0xc0,
  invalidCommand: 0xc1,
  invalidForLun: 0xc2,
  timeout: 0xc3,
  outOfSpace: 0xc4,
  reservationCancelled: 0xc5,
  truncated: 0xc6,
  invalidLength: 0xc7,
  tooLong: 0xc8,
  outOfRange: 0xc9,
  cannotReturnLength: 0xca,
  notPresent: 0xcb,
  invalidField: 0xcc,
  illegalForSensor: 0xcd,
  noResponse: 0xce,
  duplicate: 0xcf,
  repositoryUpdating: 0xd0,
  firmwareUpdating: 0xd1,
  initializing: 0xd2,
  destinationUnavailable: 0xd3,
  insufficientPrivilege: 0xd4,
  notInThisState: 0xd5,
  subFunctionDisabled: 0xd6,
  unspecified: 0xff,
} as const;

const TEXT: Readonly<Record<number, string>> = {
  [COMPLETION.nodeBusy]: 'node busy',
  [COMPLETION.invalidCommand]: 'invalid command',
  [COMPLETION.invalidForLun]: 'command invalid for this LUN',
  [COMPLETION.timeout]: 'timeout while processing the command',
  [COMPLETION.outOfSpace]: 'out of space',
  [COMPLETION.reservationCancelled]: 'reservation cancelled or invalid',
  [COMPLETION.truncated]: 'request data truncated',
  [COMPLETION.invalidLength]: 'request data length invalid',
  [COMPLETION.tooLong]: 'request data field length limit exceeded',
  [COMPLETION.outOfRange]: 'parameter out of range',
  [COMPLETION.cannotReturnLength]: 'cannot return that many bytes',
  [COMPLETION.notPresent]: 'requested sensor, data or record not present',
  [COMPLETION.invalidField]: 'invalid data field in request',
  [COMPLETION.illegalForSensor]: 'command illegal for this sensor or record type',
  [COMPLETION.noResponse]: 'response could not be provided',
  [COMPLETION.duplicate]: 'duplicated request',
  [COMPLETION.repositoryUpdating]: 'SDR repository in update mode',
  [COMPLETION.firmwareUpdating]: 'device in firmware update mode',
  [COMPLETION.initializing]: 'BMC initialization in progress',
  [COMPLETION.destinationUnavailable]: 'destination unavailable',
  [COMPLETION.insufficientPrivilege]: 'insufficient privilege level',
  [COMPLETION.notInThisState]: 'not supported in the present state',
  [COMPLETION.subFunctionDisabled]: 'sub-function disabled or unavailable',
  [COMPLETION.unspecified]: 'unspecified error',
};

/** "node busy (0xc0)"; command-specific and OEM codes are told by number. */
export function completionText(code: number): string {
  const number = `0x${code.toString(16).padStart(2, '0')}`;
  const text = TEXT[code];
  return text ? `${text} (${number})` : `completion code ${number}`;
}
