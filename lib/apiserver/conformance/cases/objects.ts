// Objects to make requests with.
import type { JsonObject } from '../../json.ts';
import { CONFORMANCE_GROUP } from '../widgets.ts';

export const widget = (
  name: string,
  spec: JsonObject = {},
  metadata: JsonObject = {},
  more: JsonObject = {},
): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/v1`,
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec,
  ...more,
});

export const gadget = (name: string, spec: JsonObject = {}, version = 'v1'): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/${version}`,
  kind: 'Gadget',
  metadata: { name },
  spec,
});

export const configMap = (name: string, data: JsonObject = { a: 'b' }, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

export const MAPS = '/api/v1/namespaces/{ns}/configmaps';
export const SECRETS = '/api/v1/namespaces/{ns}/secrets';
