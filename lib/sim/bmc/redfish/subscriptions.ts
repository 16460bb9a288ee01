// Who wants to hear of a simulated Redfish service's events: subscriptions made and checked, and streams begun.
import type { BmcState } from '../state.ts';
import { EVENT_TYPES } from './events.ts';
import { type Body, done, REFUSE, type Reply } from './messages.ts';
import { STREAM, SUBSCRIPTIONS, SYSTEM, subscription } from './resources.ts';

const isText = (value: unknown): value is string => typeof value === 'string';
const TYPES: readonly string[] = EVENT_TYPES;

export function subscribe(state: BmcState, body: Body): Reply {
  const { Destination: destination, Protocol: protocol, Context: context = '', EventTypes: types = [] } = body;
  if (!isText(destination) || !URL.canParse(destination) || !/^https?:/.test(destination))
    return REFUSE.value('Destination');
  if (protocol !== 'Redfish') return REFUSE.value('Protocol');
  if (!isText(context)) return REFUSE.value('Context');
  if (!Array.isArray(types) || !types.every((type) => isText(type) && TYPES.includes(type)))
    return REFUSE.value('EventTypes');
  const made = state.events.subscribe({ destination, context, types });
  if (!made) return REFUSE.noSubscription();
  return { status: 201, body: subscription(made), headers: { location: `${SUBSCRIPTIONS}/${made.id}` } };
}

/** A stream is a subscription for as long as somebody reads it. */
export function stream({ events }: BmcState): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    stream(response) {
      response.write(': the stream is open\n\n');
      // Somebody else took the last place while this answer was delayed.
      if (!events.subscribe({ destination: STREAM, context: '', types: [], stream: response })) response.end();
    },
  };
}

export function testEvent(state: BmcState, body: Body): Reply {
  const { EventType: type = 'Alert', Message: message = 'A test event.', MessageId: messageId } = body;
  if (!isText(type) || !TYPES.includes(type)) return REFUSE.value('EventType');
  if (!isText(message)) return REFUSE.value('Message');
  if (!isText(messageId)) return REFUSE.value('MessageId');
  state.events.publish({ type, message, messageId, severity: 'OK', origin: SYSTEM });
  return done();
}
