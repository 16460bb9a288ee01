// coordination.k8s.io/v1 Lease: how replicas elect a leader.

import { isObject } from '../json.ts';
import type { Resource } from '../resources/resource.ts';
import { fieldError } from '../status.ts';
import { AGE, column, NAME, text } from './columns.ts';
import { define } from './define.ts';
import { int32, kind, object, string, time } from './notation.ts';

export const COORDINATION: readonly Resource[] = [
  define({
    group: 'coordination.k8s.io',
    plural: 'leases',
    kind: 'Lease',
    namespaced: true,
    columns: [NAME, column('Holder', text('spec.holderIdentity')), AGE],
    schema: kind('A right that its holder keeps by renewing it.', {
      spec: object('Who holds it, and until when.', {
        acquireTime: time('When the holder took it.'),
        holderIdentity: string('Who holds it.'),
        leaseDurationSeconds: int32('How long after renewTime others must wait.'),
        leaseTransitions: int32('How often it changed hands.'),
        preferredHolder: string('Who is to hold it.'),
        renewTime: time('When the holder last renewed it.'),
        strategy: string('How the holder is chosen.'),
      }),
    }),
    behaviour: {
      createOnUpdate: true,
      validate: (lease) => {
        const spec = isObject(lease['spec']) ? lease['spec'] : {};
        const positive = 'must be greater than 0';
        const transitions = 'must be greater than or equal to 0';
        const duration = spec['leaseDurationSeconds'];
        const changes = spec['leaseTransitions'];
        return [
          ...(typeof duration === 'number' && duration <= 0
            ? [fieldError.invalid('spec.leaseDurationSeconds', duration, positive)]
            : []),
          ...(typeof changes === 'number' && changes < 0
            ? [fieldError.invalid('spec.leaseTransitions', changes, transitions)]
            : []),
        ];
      },
    },
  }),
];
