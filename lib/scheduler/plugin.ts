// What a plugin is: plain objects of these shapes, compiled once per class of requests.
//
// A plugin first *signs* a request: it returns the fields that its answer depends on, and `compile` is given nothing else.
// Requests with equal signatures therefore get equal answers, which is what lets them share one compiled class. An answer
// must be a pure function of what was signed and of the node (and of what the node has given away, where `reads` says so).
import type { TableView } from './table.ts';
import type { Request } from './types.ts';

/** Plain data; equal JSON means equal signature, so lists whose order does not matter are signed sorted. */
export type Signature = object | string | number | boolean;

/** What an answer depends on besides the signature: the node alone, or its allocations too. */
export type Reads = 'node' | 'allocations';

/** Hands out the codes (1 to 255) that stand for reasons within one class. */
export interface Reasons {
  code(text: string): number;
}

/** Turns nodes away. `stage` is `preFilter` for what says which nodes a request is about at all: spread looks at these only. */
export interface Filter<Signed extends Signature = Signature> {
  readonly stage: 'preFilter' | 'filter';
  readonly reads: Reads;
  /** Undefined: has nothing to say about this request, and lets every node pass. */
  sign(request: Request): Signed | undefined;
  /** The result answers 0 (passes) or the code of the reason for turning the node in that slot away. */
  compile(signed: Signed, table: TableView, reasons: Reasons): (slot: number) => number;
}

/** Prefers nodes: an integer from 0 to `max`, never relative to what other nodes got. */
export interface Score<Signed extends Signature = Signature> {
  readonly max: number;
  readonly reads: Reads;
  /** Undefined: has nothing to say; every node gets 0. */
  sign(request: Request): Signed | undefined;
  compile(signed: Signed, table: TableView): (slot: number) => number;
}

export interface Plugin {
  readonly name: string;
  readonly filter?: Filter;
  readonly score?: Score;
}
