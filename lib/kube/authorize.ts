// Asks the API server who a bearer is and what they may do: for endpoints of our own that want a cluster's credentials.
import { createHash } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, Resource } from './resource.ts';

interface UserInfo {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}
interface TokenReview extends KubeObject {
  spec: { token: string; audiences?: string[] | undefined };
  status?: { authenticated?: boolean; user?: UserInfo };
}
interface SubjectAccessReview extends KubeObject {
  spec: {
    user?: string | undefined;
    uid?: string | undefined;
    groups?: string[] | undefined;
    extra?: Record<string, string[]> | undefined;
    nonResourceAttributes: { path: string; verb: string };
  };
  status?: { allowed: boolean };
}

const review = (group: string, plural: string, kind: string) => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced: false,
});
const tokenReviews: Resource<TokenReview> = review('authentication.k8s.io', 'tokenreviews', 'TokenReview');
const accessReviews: Resource<SubjectAccessReview> = review(
  'authorization.k8s.io',
  'subjectaccessreviews',
  'SubjectAccessReview',
);

/** As long as a verdict is believed; bounded in number too. */
const BELIEVED_MS = 60_000;
const VERDICTS = 256;

/**
 * Whether the bearer of a token may `get` the URL `path`, by the cluster's RBAC (`nonResourceURLs`).
 * Rejects with an ApiError when the API server cannot say.
 */
export function createTokenAuthorizer(
  client: KubeClient,
  path: string,
  clock: Clock,
): (token: string) => Promise<boolean> {
  const verdicts = new Map<string, { allowed: boolean; until: number }>();

  async function ask(token: string): Promise<boolean> {
    const { kind } = tokenReviews;
    const reviewed = await client.create(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind,
      metadata: { name: '' },
      spec: { token },
    });
    const user = reviewed.status?.authenticated ? reviewed.status.user : undefined;
    if (!user) return false;
    const { username, uid, groups, extra } = user;
    const access = await client.create(accessReviews, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: accessReviews.kind,
      metadata: { name: '' },
      spec: { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } },
    });
    return access.status?.allowed ?? false;
  }

  return async (token) => {
    // The token itself is not kept.
    const id = createHash('sha256').update(token).digest('base64');
    const known = verdicts.get(id);
    if (known && clock.monotonic() < known.until) return known.allowed;
    const allowed = await ask(token);
    verdicts.delete(id);
    verdicts.set(id, { allowed, until: clock.monotonic() + BELIEVED_MS });
    if (verdicts.size > VERDICTS) verdicts.delete(verdicts.keys().next().value as string);
    return allowed;
  };
}
