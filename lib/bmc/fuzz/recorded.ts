// Inputs that a decoder once did not stand. They stay, so that it stands them for good.

export interface Recorded {
  readonly subject: string;
  /** Hexadecimal. */
  readonly input: string;
  /** What it did. */
  readonly was: string;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('hex');

export const RECORDED: readonly Recorded[] = [
  {
    subject: 'Redfish sensor',
    input: json({ Id: 'cpu1', ReadingType: 'hasOwnProperty', Reading: 58.5 }),
    was: 'a function of Object.prototype was taken for the type of the sensor',
  },
  {
    subject: 'Redfish sensor',
    input: json({ Id: 'cpu1', ReadingUnits: 'constructor', Reading: 58.5 }),
    was: 'the same for its unit',
  },
  {
    subject: 'Redfish thermal and power',
    input: json({ PowerSupplies: [{ Name: 'PSU1', Status: { State: 'Enabled', Health: 'constructor' } }] }),
    was: 'the same for its health',
  },
  {
    subject: 'Redfish log entry',
    input: json({ Id: '7', Severity: 'toString' }),
    was: 'the same for the severity of an entry',
  },
  {
    subject: 'Redfish refusal',
    input: json({ error: { '@Message.ExtendedInfo': [{ MessageId: 'constructor' }] } }),
    was: 'the same for the code of an error, which then was neither retryable nor not',
  },
];
