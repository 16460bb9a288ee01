// Events: one collection, seen as core/v1 and as events.k8s.io/v1. They are stored in the core form.
import { asText, clone, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import type { Resource } from '../resources/resource.ts';
import { age } from '../table/duration.ts';
import { column, NAME, text } from './columns.ts';
import { define } from './define.ts';
import { validateCoreEvent, validateEvent } from './event-validation.ts';
import { int32, kind, object, objectReference, string, time } from './notation.ts';

const source = object('Where the event comes from.', {
  component: string('The component.'),
  host: string('The node that it runs on.'),
});

function series(lastSeen: string) {
  return object('Repetitions of the event.', {
    count: int32('How often it occurred.'),
    [lastSeen]: time('When it last occurred.'),
  });
}

const CORE_SCHEMA = kind(
  'A report of something that happened to an object.',
  {
    action: string('What was done about the object.'),
    count: int32('How often it occurred.'),
    eventTime: time('When it first occurred.'),
    firstTimestamp: time('When it was first recorded.'),
    involvedObject: objectReference('The object that it is about.'),
    lastTimestamp: time('When it was last recorded.'),
    message: string('What happened, for people.'),
    reason: string('Why, as one word for machines.'),
    related: objectReference('Another object that took part.'),
    reportingComponent: string('The controller that reports it.'),
    reportingInstance: string('The instance of the controller.'),
    series: series('lastObservedTime'),
    source,
    type: string('Normal or Warning.'),
  },
  'involvedObject',
);

const EVENTS_SCHEMA = kind('A report of something that happened to an object.', {
  action: string('What was done about the object.'),
  deprecatedCount: int32('How often it occurred, in the core form.'),
  deprecatedFirstTimestamp: time('When it was first recorded, in the core form.'),
  deprecatedLastTimestamp: time('When it was last recorded, in the core form.'),
  deprecatedSource: source,
  eventTime: time('When it first occurred.'),
  note: string('What happened, for people.'),
  reason: string('Why, as one word for machines.'),
  regarding: objectReference('The object that it is about.'),
  related: objectReference('Another object that took part.'),
  reportingController: string('The controller that reports it.'),
  reportingInstance: string('The instance of the controller.'),
  series: series('lastObservedTime'),
  type: string('Normal or Warning.'),
});

/** Pairs of names: core/v1, events.k8s.io/v1. All other fields have one name in both. */
const RENAMED: readonly (readonly [string, string])[] = [
  ['count', 'deprecatedCount'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['involvedObject', 'regarding'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
];

/** What every event shows, set or not. */
const CORE_ALWAYS: JsonObject = {
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
};
const EVENTS_ALWAYS: JsonObject = {
  deprecatedSource: {},
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
  eventTime: null,
};

function fillIn(event: KubeObject, always: JsonObject): void {
  for (const [key, value] of Object.entries(always)) event[key] ??= clone(value);
}

function rename(event: KubeObject, apiVersion: string, from: 0 | 1): KubeObject {
  const names = new Map(RENAMED.map((pair) => [pair[from], pair[1 - from]!]));
  const renamed: KubeObject = { apiVersion, kind: event.kind, metadata: event.metadata };
  for (const [key, value] of Object.entries(event)) if (!(key in renamed)) renamed[names.get(key) ?? key] = value;
  return renamed;
}

/** What the core form shows even when it is empty, this form leaves out. */
function withoutEmpty(event: KubeObject): KubeObject {
  for (const name of ['reportingController', 'reportingInstance']) if (event[name] === '') delete event[name];
  return event;
}

function reference(event: KubeObject): string {
  const about = event['involvedObject'] ?? event['regarding'];
  if (!isObject(about)) return '';
  return `${asText(about['kind']).toLowerCase()}/${asText(about['name'])}`;
}

function lastSeen(event: KubeObject): Json | undefined {
  const repeated = event['series'];
  if (isObject(repeated) && repeated['lastObservedTime']) return repeated['lastObservedTime'];
  return event['lastTimestamp'] ?? event['deprecatedLastTimestamp'] ?? firstSeen(event);
}

function firstSeen(event: KubeObject): Json | undefined {
  return event['firstTimestamp'] ?? event['deprecatedFirstTimestamp'] ?? event['eventTime'];
}

const instant = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);

function component(event: KubeObject): string {
  const from = (event['source'] ?? event['deprecatedSource']) as JsonObject | undefined;
  const name = from?.['component'] ?? event['reportingComponent'] ?? event['reportingController'] ?? '';
  return from?.['host'] ? `${asText(name)}, ${asText(from['host'])}` : asText(name);
}

const COLUMNS = [
  column('Last Seen', (event, now) => age(instant(lastSeen(event)), now)),
  column('Type', text('type')),
  column('Reason', text('reason')),
  column('Object', reference),
  column('Subobject', (event) => text('involvedObject.fieldPath')(event, 0) || text('regarding.fieldPath')(event, 0), {
    wide: true,
  }),
  column('Source', component, { wide: true }),
  column('Message', (event) => asText(event['message'] ?? event['note'] ?? '').trim()),
  column('First Seen', (event, now) => age(instant(firstSeen(event)), now), { wide: true }),
  column('Count', (event) => event['count'] ?? event['deprecatedCount'] ?? 1, { wide: true }),
  { ...NAME, priority: 1 },
];

const fields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
const below = (name: string) => fields.map((field) => `${name}.${field}`);

const common = {
  plural: 'events',
  kind: 'Event',
  namespaced: true,
  shortNames: ['ev'],
  columns: COLUMNS,
} as const;

export const EVENTS: readonly Resource[] = [
  define({
    ...common,
    schema: CORE_SCHEMA,
    blank: { involvedObject: {}, source: {}, reportingComponent: '', reportingInstance: '' },
    behaviour: { createOnUpdate: true, prepare: (event) => fillIn(event, CORE_ALWAYS), validate: validateCoreEvent },
    selectable: [...below('involvedObject'), 'reason', 'reportingComponent', 'source', 'type'],
  }),
  define({
    ...common,
    group: 'events.k8s.io',
    schema: EVENTS_SCHEMA,
    behaviour: { createOnUpdate: true, prepare: (event) => fillIn(event, EVENTS_ALWAYS), validate: validateEvent },
    selectable: [...below('regarding'), 'reason', 'reportingController', 'type'],
    storedAs: { apiVersion: 'v1', collection: 'events' },
    convert: {
      fromStorage: (event) => withoutEmpty(rename(event, 'events.k8s.io/v1', 0)),
      toStorage: (event) => rename(event, 'v1', 1),
    },
  }),
];
