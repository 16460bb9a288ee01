// core/v1 ResourceQuota. What it counts, and how, is in rest/quota.ts.
import { asText, at, isObject, type Json, type KubeObject } from '../json.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { type FieldError, fieldError } from '../status.ts';
import { AGE, column, NAME } from './columns.ts';
import { define } from './define.ts';
import { kind, list, map, object, quantity } from './notation.ts';

/** Objects that have a name of their own in quotas. */
const COUNTED =
  'configmaps persistentvolumeclaims pods replicationcontrollers resourcequotas secrets services services.loadbalancers services.nodeports'.split(
    ' ',
  );
const MEASURED =
  'cpu memory ephemeral-storage storage requests.cpu requests.memory requests.storage requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage'.split(
    ' ',
  );
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NAME_PART_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

export const RESOURCE_QUOTAS = define({
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
  shortNames: ['quota'],
  status: true,
  columns: [
    NAME,
    column(
      'Request',
      use((name) => !name.startsWith('limits.')),
    ),
    column(
      'Limit',
      use((name) => name.startsWith('limits.')),
    ),
    AGE,
  ],
  schema: kind('Limits on what a namespace may hold.', {
    spec: object('The limits.', {
      hard: map('The most of each resource.', quantity('An amount.')),
      scopes: list('Which objects count.', { type: 'string' }),
    }),
    status: object('What is used.', {
      hard: map('The limits in force.', quantity('An amount.')),
      used: map('What the namespace holds.', quantity('An amount.')),
    }),
  }),
  behaviour: {
    defaults: (quota) => {
      const hard = at(quota, ['spec', 'hard']);
      // Quantities are texts, however they were written.
      for (const [name, amount] of Object.entries(isObject(hard) ? hard : {})) {
        if (typeof amount === 'number') (hard as { [name: string]: Json })[name] = String(amount);
      }
    },
    prepare: (quota, old) => {
      if (!old) quota['status'] = {};
    },
    validate: (quota) => {
      const hard = at(quota, ['spec', 'hard']);
      return Object.entries(isObject(hard) ? hard : {}).flatMap(([name, amount]) =>
        validateLimit(name, asText(amount), `spec.hard[${name}]`),
      );
    },
  },
});

function validateLimit(name: string, amount: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (value: string, why: string) => errors.push(fieldError.invalid(path, value, why));
  const part = name.slice(name.lastIndexOf('/') + 1);
  const standard = COUNTED.includes(name) || MEASURED.includes(name);
  if (!NAME_PART.test(part)) refuse(name, NAME_PART_TEXT);
  else if (!name.includes('/') && !standard) refuse(name, 'must be a standard resource type or fully qualified');
  if (!name.includes('/') && !standard) refuse(name, 'must be a standard resource for quota');
  const value = parseQuantity(amount);
  if (value !== undefined && value < 0) refuse(amount, 'must be greater than or equal to 0');
  if (value !== undefined && COUNTED.includes(name) && !Number.isInteger(value)) refuse(amount, 'must be an integer');
  return errors;
}

/** "used/limit" of each, as the table shows it. */
function use(included: (name: string) => boolean): (quota: KubeObject) => string {
  return (quota) => {
    const hard = at(quota, ['status', 'hard']);
    const used = at(quota, ['status', 'used']);
    const names = Object.keys(isObject(hard) ? hard : {})
      .filter(included)
      .sort();
    const text = (amounts: Json | undefined, name: string) => (isObject(amounts) ? asText(amounts[name]) : '');
    return names.map((name) => `${name}: ${text(used, name) || '0'}/${text(hard, name)}`).join(', ');
  };
}
