// Counts what a CEL rule costs while it runs, and ends it at its limit.
//
// The engine has no such count, but all its parts are evaluated through one method of its evaluator, which macros are given.
// Prices are those of real servers, and never less than what the work takes here: one unit is well under a microsecond.
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { isMap, OPERATIONS, ROUND, SIZED, sizeOf } from './cel-prices.ts';
import { matches } from './patterns.ts';

interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
}

interface Checker {
  check(node: ASTNode, context: unknown): unknown;
}

/** An operation that is waiting for its operands, or a loop. */
interface Frame {
  readonly name: string;
  /** Of loops: what a round costs beside its body. */
  readonly round: number | undefined;
  /** How many operands there are. */
  readonly arity: number;
  /** Functions have their operands evaluated from the last to the first. */
  readonly reversed: boolean;
  readonly operands: unknown[];
}

/** Thrown where the limit is reached. Rules can swallow errors, so that the meter has to be asked. */
const EXCEEDED = new Error('operation cancelled: actual cost limit exceeded');

/** Steps over a value that are paid with one unit where the price tables say less. */
const STEPS_PER_UNIT = 20;
/** Characters that a machine compares or copies in one step. */
const CHARACTERS_PER_STEP = 16;
/** Characters, and keys, whose number can be counted for one unit. */
const COUNTED_PER_UNIT = 20;
const LISTED_PER_UNIT = 20;

/** Macros, and functions that only pass values on. */
const FLAT = new Set('has bind or orValue optMap optFlatMap of none hasValue value dyn type metered'.split(' '));
const OPERATORS = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '+']);
const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
/** The engine's own parts of loops, paid with the round. */
const WITHIN_LOOPS = new Set(['comprehension', 'accuValue', 'accuPush', 'accuInc']);

export class Meter {
  #left = Number.POSITIVE_INFINITY;
  #frame: Frame | undefined;
  #metered: Evaluator | undefined;
  readonly #steps = new WeakMap<object, number>();

  /** Declares metered(rule) in the environment: the rule, counted. */
  register(environment: Environment): Environment {
    return environment.registerFunction('metered(ast): dyn', (macro: { readonly args: readonly ASTNode[] }) => {
      const rule = macro.args[0]!;
      return {
        typeCheck: (checker: Checker, _macro: unknown, context: unknown) => checker.check(rule, context),
        evaluate: (evaluator: Evaluator, _macro: unknown, context: unknown) => {
          this.#count(evaluator);
          return evaluator.run(rule, context);
        },
      };
    });
  }

  /**
   * Runs a rule that was parsed as metered(…).
   * @returns what it gave, or the error that it ended with, and its cost; more than the limit when that ended it
   */
  run(rule: () => unknown, limit: number): { readonly cost: number; readonly value?: unknown; readonly error?: Error } {
    this.#left = limit;
    this.#frame = undefined;
    try {
      const value = rule();
      return { cost: limit - this.#left, value };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { cost: limit - this.#left, error };
    } finally {
      this.#left = Number.POSITIVE_INFINITY;
    }
  }

  #count(evaluator: Evaluator): void {
    if (this.#metered === evaluator) return;
    this.#metered = evaluator;
    const evaluate = evaluator.run.bind(evaluator);
    evaluator.run = (node, context) => this.#evaluate(evaluator, evaluate, node, context);
  }

  #evaluate(evaluator: Evaluator, evaluate: Evaluator['run'], node: ASTNode, context: unknown): unknown {
    const outer = this.#frame;
    let value: unknown;
    try {
      const frame = frameOf(node);
      this.#frame = frame;
      if (!frame) this.#spend(WITHIN_LOOPS.has(node.op) ? 0 : (OPERATIONS[node.op] ?? 1));
      value = frame?.name === 'matches' ? match(evaluator, node, context) : evaluate(node, context);
    } catch (error) {
      const last = this.#left < 0 && outer ? lastAnswer(outer) : undefined;
      if (last === undefined) throw error;
      value = last;
    } finally {
      this.#frame = outer;
    }
    if (outer) this.#take(outer, value);
    return value;
  }

  #spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw EXCEEDED;
  }

  /** An operand is there. With the last of them an operation is paid, before it is done. */
  #take(frame: Frame, value: unknown): void {
    const { operands } = frame;
    if (frame.round !== undefined) {
      // What the loop goes over, what it begins with, and then round after round.
      if (operands.length === 2) this.#left -= frame.round;
      else operands.push(value);
      if (operands.length === 1 && isMap(value)) this.#left -= sizeOf(value) / STEPS_PER_UNIT;
      return;
    }
    operands.push(value);
    if (operands.length === frame.arity) this.#spend(this.#price(frame, operands));
  }

  #price({ name, reversed }: Frame, operands: readonly unknown[]): number {
    const [first, second] = reversed ? operands.toReversed() : operands;
    const told = SIZED.get(name)?.(first, second) ?? 1;
    if (name === 'size') {
      return Math.max(told, sizeOf(first) / (typeof first === 'string' ? COUNTED_PER_UNIT : LISTED_PER_UNIT));
    }
    if (name === 'in' && typeof first !== 'object') return told;
    const steps = COMPARISONS.has(name)
      ? Math.min(this.#stepsOver(first), this.#stepsOver(second))
      : operands.reduce<number>((sum, operand) => sum + this.#stepsOver(operand), 0);
    return Math.max(told, steps / STEPS_PER_UNIT);
  }

  /** How many steps it takes to walk through a value. */
  #stepsOver(value: unknown): number {
    if (typeof value === 'string') return 1 + value.length / CHARACTERS_PER_STEP;
    if (typeof value !== 'object' || value === null) return 1;
    let steps = this.#steps.get(value);
    if (steps === undefined) {
      const parts = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
      steps = parts.reduce<number>((sum, part) => sum + this.#stepsOver(part), 1);
      this.#steps.set(value, steps);
    }
    return steps;
  }
}

/** What is paid in another way than by itself; undefined for all that has one price. */
function frameOf(node: ASTNode): Frame | undefined {
  if (OPERATORS.has(node.op)) return { name: node.op, round: undefined, arity: 2, reversed: false, operands: [] };
  if (node.op !== 'call' && node.op !== 'rcall') return undefined;
  const [name] = node.args;
  if (FLAT.has(name)) return undefined;
  const round = node.op === 'rcall' ? ROUND.get(name) : undefined;
  const arity = node.op === 'rcall' ? 1 + node.args[2].length : node.args[1].length;
  return arity === 0 ? undefined : { name, round, arity, reversed: true, operands: [] };
}

/** Quantifiers go on after an error. This is what they stop at. */
function lastAnswer({ name, operands }: Frame): boolean | undefined {
  if (operands.length < 2) return undefined;
  return name === 'all' ? false : name === 'exists' ? true : undefined;
}

/** text.matches(pattern): the engine's own patterns are not those of RE2, and can take for ever. */
function match(evaluator: Evaluator, node: ASTNode, context: unknown): unknown {
  const [receiver, argument] = node.op === 'rcall' ? [node.args[1], node.args[2][0]] : [];
  const pattern = argument && evaluator.run(argument, context);
  const text = receiver && evaluator.run(receiver, context);
  if (typeof pattern !== 'string' || typeof text !== 'string') throw new Error('no such overload');
  return matches(pattern, text);
}
