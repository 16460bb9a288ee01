// The closed set of what can go wrong at the out-of-band boundary, the same for every driver.

export type BmcErrorCode =
  | 'unreachable' // nothing answers at that address, or it cannot be resolved
  | 'timeout' // it answered before, or in part, but not this time
  | 'credentials' // the account is unknown or the password is wrong
  | 'privilege' // the account may not do that
  | 'unsupported' // this BMC does not know that request
  | 'busy' // no free session, or it asks to come back later
  | 'protocol'; // what it sent breaks the protocol, or fails its integrity check

const RETRYABLE: Record<BmcErrorCode, boolean> = {
  unreachable: true,
  timeout: true,
  credentials: false, // another try may lock the account: wait for a change of the Secret
  privilege: false,
  unsupported: false,
  busy: true,
  protocol: true,
};

export class BmcError extends Error {
  override readonly name = 'BmcError';
  readonly code: BmcErrorCode;
  /** The BMC's address, never with credentials. */
  readonly address: string;

  constructor(code: BmcErrorCode, address: string, message: string, options?: { cause?: unknown }) {
    super(`${address}: ${message}`, options);
    this.code = code;
    this.address = address;
  }

  get retryable(): boolean {
    return RETRYABLE[this.code];
  }
}
