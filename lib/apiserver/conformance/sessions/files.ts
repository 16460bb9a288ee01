// The files that people have beside them in a kubectl session: manifests, a kustomization, editors that are scripts.
import { CONFORMANCE_GROUP } from '../widgets.ts';

const widget = (name: string, spec: string, more = ''): string =>
  `apiVersion: ${CONFORMANCE_GROUP}/v1
kind: Widget
metadata:
  name: ${name}
  labels: {app: demo, tier: ${name}}
${more}spec: ${spec}
`;

const configMap = (name: string, data: string): string =>
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  labels: {app: demo}
data: ${data}
`;

/** Path → content. */
export const FILES: { readonly [path: string]: string } = {
  'widget.yaml': widget('one', '{power: "On", size: 3, replicas: 2, tags: [a, b], disks: [{name: root, size: 10}]}'),
  'widget-changed.yaml': widget('one', '{power: "Off", size: 3, tags: [a, c], disks: [{name: root, size: 20}]}'),
  'two.yaml': `${widget('two', '{power: "Off", size: 5}')}---\n${widget('three', '{power: "On", size: 7}')}`,
  'unknown.yaml': widget('odd', '{power: "On", colour: red}'),
  'wrong.yaml': widget('odd', '{power: "Maybe", size: 11}'),
  'held.yaml': widget('held', '{power: "On"}', '  finalizers: [conformance.bmp.dev/hold]\n'),
  'map.yaml': configMap('settings', '{a: "1", b: "2"}'),
  'map-changed.yaml': configMap('settings', '{a: "1", b: "3", c: "4"}'),
  'event.yaml': `apiVersion: v1
kind: Event
metadata: {name: one.1}
involvedObject: {apiVersion: ${CONFORMANCE_GROUP}/v1, kind: Widget, name: one, namespace: NAMESPACE}
reason: Tried
message: It was tried.
type: Normal
count: 2
source: {component: session}
firstTimestamp: "2001-01-01T00:00:00Z"
lastTimestamp: "2001-01-01T00:01:00Z"
`,
  'kustomize/kustomization.yaml': 'namePrefix: k-\ncommonLabels: {from: kustomize}\nresources: [map.yaml]\n',
  'kustomize/map.yaml': configMap('base', '{x: "y"}'),
  'pruned/all.yaml': `${configMap('keep', '{k: "v"}').replace('app: demo', 'set: pruned')}---
${configMap('drop', '{k: "v"}').replace('app: demo', 'set: pruned')}`,
  'pruned/less.yaml': configMap('keep', '{k: "v"}').replace('app: demo', 'set: pruned'),
  'role.yaml': `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
`,
  'definition.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.NAMESPACE.bmp.dev}
spec:
  group: NAMESPACE.bmp.dev
  scope: Namespaced
  names: {kind: Thing, plural: things, shortNames: [th]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}
`,
  'patch.yaml': 'spec: {size: 9}\n',
};

/** Programs: what `kubectl edit` opens, with the file to edit as their argument. */
export const PROGRAMS: { readonly [path: string]: string } = {
  'edit-size': '#!/bin/sh\nsed -i "s/^  size: .*/  size: 8/" "$1"\n',
  'edit-nothing': '#!/bin/sh\ntrue\n',
  'edit-wrong': '#!/bin/sh\nsed -i "s/^  size: .*/  size: 99/" "$1"\n',
};
