// authentication.k8s.io/v1 TokenRequest: what the token subresource of service accounts takes.
import type { Served } from '../resources/registry.ts';
import { define } from './define.ts';
import { int64, kind, list, object, objectReference, string, time } from './notation.ts';

const resource = define({
  group: 'authentication.k8s.io',
  plural: 'tokenrequests',
  kind: 'TokenRequest',
  namespaced: true,
  review: true,
  schema: kind('Asks for a token of a service account.', {
    spec: object('What the token is to be.', {
      audiences: list('Who it is for.', { type: 'string' }),
      boundObjectRef: objectReference('The object with which it ends.'),
      expirationSeconds: int64('How long it is to last.'),
    }),
    status: object('The token.', { expirationTimestamp: time('When it ends.'), token: string('The token itself.') }),
  }),
});

export const TOKEN_REQUEST: Served = { resource, version: resource.storage };
