// One question, one answer, over a network that loses both: send, wait, send again, give up.
import type { Endpoint, Transport } from './transport.ts';
import { WireError } from './wire/bytes.ts';
import type { Packet } from './wire/packet.ts';

/** Milliseconds to wait after each sending; as many sendings as there are entries. */
export type Schedule = readonly number[];

/** Nothing that answers the question came within the schedule. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
}

export interface Question<T> {
  /** The datagram for sending number `attempt` (from 0). */
  readonly datagram: (attempt: number) => Buffer;
  /** The answer in a packet, or undefined for one that does not answer this. A WireError drops the packet, others end the exchange. */
  readonly answer: (packet: Packet) => T | undefined;
  readonly schedule: Schedule;
}

/**
 * Rejects with NoReply after the schedule, with the signal's reason when that fires, and with the network's own error when it
 * refused a datagram at once ("no route to host").
 */
export function exchange<T>(
  transport: Transport,
  endpoint: Endpoint,
  question: Question<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    let attempt = 0;
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    const previous = endpoint.receive;
    const finish = (settle: () => void) => {
      if (settled) return; // a refusal of an earlier datagram may come after the answer
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      endpoint.receive = previous;
      settle();
    };
    const fail = (error: unknown) => finish(() => reject(error as Error));
    const abort = () => fail(signal.reason);
    const send = () => {
      const wait = question.schedule[attempt];
      if (wait === undefined) return fail(new NoReply(`no reply to ${attempt} datagrams`));
      timer = setTimeout(() => transport.whenDrained(overdue), wait);
      transport.send(endpoint.peer, question.datagram(attempt++), fail);
    };
    // Also after a time in which this process did not run: what came meanwhile has been read now.
    const overdue = () => {
      if (!settled) send();
    };
    endpoint.receive = (packet) => {
      try {
        const answer = question.answer(packet);
        if (answer !== undefined) finish(() => resolve(answer));
      } catch (error) {
        if (error instanceof WireError) throw error;
        fail(error);
      }
    };
    signal.addEventListener('abort', abort, { once: true });
    send();
  });
}
