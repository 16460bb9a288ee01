// Stands between the operator and the API server and knows at which step each Device is: the place where a process is stopped in
// the middle of something, and where a fault is put in right before the effect of a step.
//
// An operator writes a step down before its effect. So with the answer to that write held back it stands before the effect; with
// the write held back that leaves the step, it stands after the effect; with that one's answer held back, after the check.
import type { Device } from '../../../lib/api/generated.ts';
import { ApiError } from '../../../lib/kube/errors.ts';
import type { Exchange, Transport } from '../../../lib/kube/transport.ts';
import type { OperationKind, StepName } from '../../../lib/provision/operations/operations.ts';

export type Moment = 'before the effect' | 'after the effect' | 'after the check';

export interface Trap {
  readonly kind: OperationKind;
  readonly step: StepName;
  readonly moment: Moment;
  /** Called when the Device stands there. What comes back is waited for before the operator goes on; it may never come back. */
  readonly sprung: () => Promise<void> | undefined;
}

interface At {
  readonly kind: string;
  readonly step: string;
}

/** The status in a patch of it, and in the object that comes back. */
type Patched = { readonly status?: { readonly operation?: { readonly step?: string; readonly id?: string } | null } };

const PATH = /\/devices\/([^/?]+)\/status/;

export class Gate {
  readonly #traps = new Map<string, Trap>();
  readonly #at = new Map<string, At | undefined>();
  #isClosed = false;
  /** Calls, and pieces of watches, so far: while none come, nobody makes headway. */
  passed = 0;
  /** Calls that the server has not answered yet. */
  underWay = 0;

  set(device: string, trap: Trap): void {
    this.#traps.set(device, trap);
  }

  /** False: it has sprung, or there is none. */
  clear(device: string): boolean {
    return this.#traps.delete(device);
  }

  /** While closed, the server is gone: no call comes through, and none is answered. */
  close(isClosed: boolean): void {
    this.#isClosed = isClosed;
  }

  /** The way of one operator. When the signal aborts, that process is dead: nothing of it reaches the server any more. */
  through(transport: Transport, dead: AbortSignal): Transport {
    const check = () => {
      if (dead.aborted || this.#isClosed) throw new ApiError(0, 'Unreachable', 'the API server is gone');
    };
    return {
      call: async (exchange) => {
        check();
        this.passed++;
        const device = exchange.method === 'GET' ? undefined : PATH.exec(exchange.path)?.[1];
        if (device === undefined) return this.#pass(transport, exchange);
        const held = await this.#before(device, exchange);
        check();
        const text = await this.#pass(transport, exchange);
        if (!held) await this.#after(device, JSON.parse(text) as Device);
        check();
        return text;
      },
      stream: (exchange) =>
        cut(transport.stream(exchange), () => {
          check();
          this.passed++;
        }),
      close: () => transport.close(),
    };
  }

  async #pass(transport: Transport, exchange: Exchange): Promise<string> {
    this.underWay++;
    try {
      return await transport.call(exchange);
    } finally {
      this.underWay--;
      this.passed++;
    }
  }

  async #before(device: string, { body }: Exchange): Promise<boolean> {
    const trap = this.#traps.get(device);
    const at = this.#at.get(device);
    if (trap?.moment !== 'after the effect' || !standsAt(trap, at) || !leaves(body as Patched, trap.step)) return false;
    await this.#spring(device, trap);
    return true;
  }

  async #after(device: string, { status }: Device): Promise<void> {
    const before = this.#at.get(device);
    const now = status?.operation && { kind: status.operation.kind, step: status.operation.step };
    this.#at.set(device, now);
    const trap = this.#traps.get(device);
    if (!trap || trap.moment === 'after the effect') return;
    const stood =
      trap.moment === 'after the check' ? standsAt(trap, before) && !standsAt(trap, now) : standsAt(trap, now);
    if (stood) await this.#spring(device, trap);
  }

  async #spring(device: string, trap: Trap): Promise<void> {
    this.#traps.delete(device);
    await trap.sprung();
  }
}

const standsAt = (trap: Trap, at: At | undefined): boolean => at?.kind === trap.kind && at.step === trap.step;

function leaves({ status }: Patched, step: string): boolean {
  const operation = status?.operation;
  if (operation === undefined) return false;
  return operation === null || (operation.step !== undefined && operation.step !== step) || operation.id !== undefined;
}

async function* cut(stream: AsyncIterable<Uint8Array>, check: () => void): AsyncIterable<Uint8Array> {
  check();
  for await (const chunk of stream) {
    check();
    yield chunk;
  }
}
