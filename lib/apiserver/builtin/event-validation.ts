// What events must say, in either form (Kubernetes' core and events validation). Events of the older recorders, which have no
// eventTime, are held to little. Fields are named as in the core form, whichever was sent.
import { asText, isObject, type KubeObject } from '../json.ts';
import { qualifiedName } from '../resources/names.ts';
import { type FieldError, fieldError } from '../status.ts';

const SHORT = 128;
const NOTE = 1024;

/** Where events about things without a namespace live. */
const CLUSTER_NAMESPACE = 'default';

const atMost = (field: string, value: string, limit: number): FieldError[] =>
  value.length <= limit ? [] : [fieldError.invalid(field, '', `can have at most ${limit} characters`)];
const short = (field: string, value: string): FieldError[] =>
  value === '' ? [fieldError.required(field)] : atMost(field, value, SHORT);

function validatePlace(event: KubeObject): FieldError[] {
  const about = event['involvedObject'] ?? event['regarding'];
  const namespace = isObject(about) ? asText(about['namespace']) : '';
  const expected = namespace || CLUSTER_NAMESPACE;
  if (event.metadata.namespace === expected) return [];
  return [fieldError.invalid('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

function validateReport(event: KubeObject): FieldError[] {
  const controller = asText(event['reportingComponent'] ?? event['reportingController']);
  return [
    ...(controller === '' ? [fieldError.required('reportingController')] : []),
    ...qualifiedName(controller).map((why) => fieldError.invalid('reportingController', controller, why)),
    ...short('reportingInstance', asText(event['reportingInstance'])),
    ...short('action', asText(event['action'])),
    ...short('reason', asText(event['reason'])),
    ...atMost('message', asText(event['message'] ?? event['note']), NOTE),
  ];
}

/** Of an event in the core form. */
export function validateCoreEvent(event: KubeObject): FieldError[] {
  return [...validatePlace(event), ...(event['eventTime'] ? validateReport(event) : [])];
}

/** Of an event in the form of events.k8s.io/v1; changes are not looked at again. */
export function validateEvent(event: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors = validateCoreEvent(event);
  if (old) return errors;
  const type = asText(event['type']);
  return [
    ...errors,
    ...(event['eventTime'] ? [] : [fieldError.required('eventTime')]),
    ...(type === 'Normal' || type === 'Warning' ? [] : [fieldError.invalid('type', '', `has invalid value: ${type}`)]),
  ];
}
