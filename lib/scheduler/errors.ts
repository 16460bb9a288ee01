// The one error the scheduler throws: something it was given is not valid. Not finding a node is an answer, not an error.

export type InvalidSubject = 'node' | 'request' | 'reservation' | 'configuration' | 'quota';

export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
  readonly subject: InvalidSubject;
  /** Path of the offending field, as in `resources.cpu` or `profiles[0].plugins.score.enabled[1].weight`. */
  readonly field: string;

  constructor(subject: InvalidSubject, field: string, problem: string) {
    super(`${subject}: ${field}: ${problem}`);
    this.subject = subject;
    this.field = field;
  }
}
