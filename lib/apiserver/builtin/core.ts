// The core/v1 kinds that an operator needs: namespaces, secrets, config maps, service accounts, nodes, quotas.
import { asText, equal, isObject, type Json, type KubeObject } from '../json.ts';
import { dnsLabel } from '../resources/names.ts';
import type { Resource } from '../resources/resource.ts';
import { type FieldError, fieldError } from '../status.ts';
import { AGE, column, count, NAME, text } from './columns.ts';
import { define } from './define.ts';
import {
  boolean,
  bytes,
  conditions,
  kind,
  list,
  listBy,
  map,
  object,
  objectReference,
  quantity,
  set,
  string,
  strings,
  time,
} from './notation.ts';
import { RESOURCE_QUOTAS } from './quotas.ts';

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const namespaces = define({
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
  shortNames: ['ns'],
  status: true,
  selectable: ['status.phase'],
  columns: [NAME, column('Status', text('status.phase')), AGE],
  schema: kind('A scope for names.', {
    spec: object('What the namespace is to be.', {
      finalizers: list('What must be emptied before the namespace may go.', { type: 'string' }),
    }),
    status: object('What the namespace is.', {
      phase: string('Active or Terminating.'),
      conditions: conditions('What holds its deletion up.'),
    }),
  }),
  behaviour: {
    validateName: dnsLabel,
    defaults: (namespace) => {
      const label = { 'kubernetes.io/metadata.name': namespace.metadata.name ?? '' };
      namespace.metadata.labels = { ...namespace.metadata.labels, ...label };
      const status = isObject(namespace['status']) ? namespace['status'] : {};
      namespace['status'] = { ...status, phase: status['phase'] ?? 'Active' };
    },
    // Finalizers of a namespace change through its finalize subresource alone.
    prepare: (namespace, old) => {
      namespace['spec'] = old ? old['spec'] : { finalizers: ['kubernetes'] };
      if (!old) namespace['status'] = { phase: 'Active' };
    },
  },
});

function validateKeys(value: Json | undefined, path: string): FieldError[] {
  return Object.keys(isObject(value) ? value : {})
    .filter((key) => !KEY.test(key))
    .map((key) => fieldError.invalid(`${path}[${key}]`, key, KEY_TEXT));
}

/** `immutable: true` freezes the fields and itself. */
function validateImmutable(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): FieldError[] {
  if (old?.['immutable'] !== true) return [];
  const what = 'field is immutable when `immutable` is set';
  return ['immutable', ...fields]
    .filter((field) => !equal(object[field], old[field]))
    .map((field) => fieldError.forbidden(field, what));
}

const secrets = define({
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
  selectable: ['type'],
  columns: [NAME, column('Type', text('type')), column('Data', count('data')), AGE],
  schema: kind('Data that only few may read.', {
    data: map('Base64 of each value.', bytes('Base64.')),
    immutable: boolean('Whether data is frozen.'),
    stringData: strings('Values in clear, for writing only: they are merged into data.'),
    type: string('What the data is for.'),
  }),
  behaviour: {
    defaults: (secret) => {
      const clear = secret['stringData'];
      if (isObject(clear)) {
        const data = isObject(secret['data']) ? { ...secret['data'] } : {};
        for (const [key, value] of Object.entries(clear)) data[key] = Buffer.from(asText(value)).toString('base64');
        secret['data'] = data;
      }
      delete secret['stringData'];
      secret['type'] ??= 'Opaque';
    },
    validate: (secret, old) => [
      ...validateKeys(secret['data'], 'data'),
      ...validateImmutable(secret, old, ['data']),
      ...(old && secret['type'] !== old['type']
        ? [fieldError.invalid('type', secret['type'], 'field is immutable')]
        : []),
    ],
  },
});

const configMaps = define({
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
  shortNames: ['cm'],
  columns: [
    NAME,
    column('Data', (object) => Number(count('data')(object, 0)) + Number(count('binaryData')(object, 0))),
    AGE,
  ],
  schema: kind('Configuration data.', {
    binaryData: map('Base64 of each value that is no UTF-8 text.', bytes('Base64.')),
    data: strings('Values that are UTF-8 text.'),
    immutable: boolean('Whether the data is frozen.'),
  }),
  behaviour: {
    validate: (object, old) => [
      ...validateKeys(object['data'], 'data'),
      ...validateKeys(object['binaryData'], 'binaryData'),
      ...validateImmutable(object, old, ['data', 'binaryData']),
    ],
  },
});

const localReference = object('A reference within the namespace.', { name: string('Name of the object.') });

const serviceAccounts = define({
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
  shortNames: ['sa'],
  columns: [NAME, column('Secrets', count('secrets')), AGE],
  schema: kind('An identity for programs.', {
    automountServiceAccountToken: boolean('Whether pods get a token without asking.'),
    imagePullSecrets: list('Secrets for pulling images.', localReference),
    secrets: listBy('name', 'Secrets that the account may use.', objectReference('A Secret.')),
  }),
  behaviour: {
    // Of its secrets an account keeps the names alone.
    prepare: (account) => {
      const secrets = account['secrets'];
      if (!Array.isArray(secrets)) return;
      account['secrets'] = secrets.map((secret) => ({ name: isObject(secret) ? asText(secret['name']) : '' }));
    },
  },
});

const nodes = define({
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
  shortNames: ['no'],
  status: true,
  selectable: ['spec.unschedulable'],
  columns: [
    NAME,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    AGE,
    column('Version', text('status.nodeInfo.kubeletVersion')),
  ],
  schema: kind('A machine that runs pods.', {
    spec: object('What the node is to be.', {
      podCIDR: string('Addresses of its pods.'),
      podCIDRs: set('Addresses of its pods, one range per family.', { type: 'string' }),
      providerID: string('The machine, as its provider names it.'),
      taints: list(
        'What keeps pods away.',
        object(
          'A taint.',
          {
            effect: string('NoSchedule, PreferNoSchedule or NoExecute.'),
            key: string('Key of the taint.'),
            timeAdded: time('When it was added.'),
            value: string('Value of the taint.'),
          },
          'effect',
          'key',
        ),
      ),
      unschedulable: boolean('Whether new pods stay away.'),
    }),
    status: object('What was observed of the node.', {
      addresses: listBy(
        'type',
        'Where the node is reached.',
        object('An address.', { address: string('The address.'), type: string('Which kind.') }, 'address', 'type'),
      ),
      allocatable: map('What pods may use.', quantity('An amount.')),
      capacity: map('What there is.', quantity('An amount.')),
      conditions: {
        ...conditions('Aspects of its state.'),
        items: object(
          'One aspect of the state.',
          {
            type: string('Which aspect.'),
            status: string('True, False or Unknown.'),
            lastHeartbeatTime: time('When this was last looked at.'),
            lastTransitionTime: time('When the status last changed.'),
            reason: string('Why, as one word for machines.'),
            message: string('Why, for people.'),
          },
          'type',
          'status',
        ),
      },
      nodeInfo: strings('Versions and identities of the system.'),
      phase: string('No longer used.'),
    }),
  }),
});

function nodeStatus(node: KubeObject): string {
  const status = node['status'];
  const found = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  const ready = found.find((condition) => isObject(condition) && condition['type'] === 'Ready');
  const words = [isObject(ready) ? (ready['status'] === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  const spec = node['spec'];
  if (isObject(spec) && spec['unschedulable'] === true) words.push('SchedulingDisabled');
  return words.join(',');
}

function nodeRoles(node: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).flatMap((label) =>
    label.startsWith(prefix) ? [label.slice(prefix.length)] : [],
  );
  return roles.sort().join(',') || '<none>';
}

export const CORE: readonly Resource[] = [namespaces, secrets, configMaps, serviceAccounts, nodes, RESOURCE_QUOTAS];
