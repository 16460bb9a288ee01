// Feeds decoders what they do not expect: each must give a plain value or its own error, whatever comes.
//
// What round N of a subject feeds follows from the seed, the subject's name and N alone, so that one line brings it back.
import { createHash } from 'node:crypto';
import { createRandom } from '../../testing/random.ts';
import { WireError } from '../ipmi/wire/bytes.ts';
import { parse, ShapeError } from '../redfish/json.ts';
import { mutatedBytes, mutatedJson, type Random } from './mutate.ts';
import { REDFISH_SUBJECTS } from './redfish-subjects.ts';
import { WIRE_SUBJECTS } from './wire-subjects.ts';

export interface Subject {
  readonly name: string;
  /** What to feed it in a round. */
  readonly input: (random: Random, round: number) => Buffer;
  /** Throws what the decoder may not throw, and for values that are not plain. */
  readonly feed: (input: Buffer) => void;
}

/** Its own error is what a decoder may throw; anything else comes through. */
function fed(decode: () => unknown, own: typeof WireError | typeof ShapeError): void {
  let value: unknown;
  try {
    value = decode();
  } catch (error) {
    if (error instanceof own) return;
    throw error;
  }
  assertPlain(value, 8);
}

/** No functions and no endless nesting: a look-up that found a property of Object is a mistake that throws nothing. */
function assertPlain(value: unknown, depth: number): void {
  if (typeof value === 'function' || depth === 0) throw new TypeError(`not a plain value: ${String(value)}`);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const inner of Object.values(value)) assertPlain(inner, depth - 1);
}

const wire = Object.entries(WIRE_SUBJECTS).map(
  ([name, { decode, samples }]): Subject => ({
    name,
    input: (random, round) => mutatedBytes(samples[round % samples.length]!, random),
    feed: (input) => fed(() => decode(input), WireError),
  }),
);

const redfish = Object.entries(REDFISH_SUBJECTS).map(
  ([name, { read, samples }]): Subject => ({
    name,
    input: (random, round) => {
      const sample = samples[round % samples.length]!;
      if (round % 8 === 0) return mutatedBytes(Buffer.from(JSON.stringify(sample)), random);
      return Buffer.from(JSON.stringify(mutatedJson(sample, random)));
    },
    feed: (input) => fed(() => read(parse(input, 'the answer')), ShapeError),
  }),
);

export const SUBJECTS: readonly Subject[] = [...wire, ...redfish];

export interface Finding {
  readonly subject: string;
  readonly round: number;
  readonly input: string;
  readonly error: string;
}

/** A number for each subject, seed and round. */
function seedOf(seed: number, name: string): number {
  return createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE();
}

/** Rounds `from` up to `to` of one subject: the first input that it does not stand, if there is one. */
export function fuzz(subject: Subject, seed: number, from: number, to: number): Finding | undefined {
  const base = seedOf(seed, subject.name);
  for (let round = from; round < to; round++) {
    const input = subject.input(createRandom((base + round) >>> 0), round);
    try {
      subject.feed(input);
    } catch (error) {
      return { subject: subject.name, round, input: input.toString('hex'), error: String(error) };
    }
  }
  return undefined;
}
