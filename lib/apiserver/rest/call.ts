// One request for a resource, with all that its verb needs; and what the verb answers.
import type { Authorizer } from '../auth/authorizer.ts';
import type { ServiceAccountTokens } from '../auth/service-accounts.ts';
import type { User } from '../auth/user.ts';
import type { Accepted } from '../http/media.ts';
import type { ResourceRequest } from '../http/request.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Registry, Served } from '../resources/registry.ts';
import type { Store } from '../store/store.ts';
import type { Quotas } from './quota.ts';

/** What all requests share. */
export interface Cluster {
  readonly store: Store;
  readonly registry: Registry;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly authorizer: Authorizer;
  readonly accountTokens: ServiceAccountTokens;
  readonly quotas: Quotas;
  /** Whose a bearer token is. */
  readonly userOf: (token: string) => User | undefined;
}

export interface Call extends Served {
  readonly cluster: Cluster;
  readonly request: ResourceRequest;
  readonly query: URLSearchParams;
  readonly accepted: Accepted;
  readonly user: User;
  readonly userAgent: string;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  /** Texts for Warning headers; verbs add to it. */
  readonly warnings: string[];
}

/** `text` is JSON already written, which spares lists and unchanged objects another encoding. */
export type Answer =
  | { readonly code: number; readonly body: JsonObject }
  | { readonly code: number; readonly text: string };

export function textOf(answer: Answer): string {
  return 'text' in answer ? answer.text : JSON.stringify(answer.body satisfies Json);
}
