// What the operator answers, checked as far as the agent acts on it. It comes over a pinned connection, so this guards
// against another version of the operator, not against an enemy.
import type { Orders, SessionGrant } from '../provision/protocol.ts';
import type { ApiAnswer } from './client.ts';

export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

type Fields = Readonly<Record<string, unknown>>;

function fields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AnswerError('the operator’s answer is not JSON', { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new AnswerError('the operator’s answer is not an object');
}

/** @throws AnswerError */
export function parseGrant(text: string): SessionGrant {
  const grant = fields(text);
  for (const name of ['session', 'device', 'operationId', 'expiresAt']) {
    if (typeof grant[name] !== 'string') throw new AnswerError(`the session grant has no ${name}`);
  }
  return grant as unknown as SessionGrant;
}

/** @throws AnswerError. A task of a kind that this agent does not know passes: it is reported as failed. */
export function parseOrders(text: string): Orders {
  const orders = fields(text);
  const { task, reportAfterMs } = orders as { task?: Fields | null; reportAfterMs?: unknown };
  if (typeof reportAfterMs !== 'number' || !(reportAfterMs >= 0))
    throw new AnswerError('the orders say no reportAfterMs');
  if (task !== undefined && (typeof task?.id !== 'string' || typeof task.kind !== 'string')) {
    throw new AnswerError('the orders’ task has no id or kind');
  }
  return orders as unknown as Orders;
}

/** Why the operator refused, in its own words. */
export function refusalMessage(answer: ApiAnswer): string {
  try {
    const { message } = fields(answer.body);
    if (typeof message === 'string') return message.slice(0, 500);
  } catch (error) {
    // A proxy's page, say; its status tells enough.
    if (!(error instanceof AnswerError)) throw error;
  }
  return `HTTP ${answer.status}`;
}
