// The Placements of one namespace, created and read with the caller's own token, so that the API server's rules judge.
import { Agent, request as httpsRequest } from 'node:https';
import type { Placement } from '../api/generated.ts';
import { PLACEMENTS } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, errorOfAnswer } from '../kube/errors.ts';
import { collectionPath, objectPath, withQuery } from '../kube/paths.ts';
import type { ClusterAddress } from './cluster.ts';

/** Every method rejects with an ApiError and nothing else. */
export interface Placements {
  create(placement: Placement): Promise<Placement>;
  get(name: string): Promise<Placement>;
  delete(name: string): Promise<void>;
}

export interface PlacementsSource {
  /** `token` is the caller's. */
  with(token: string | undefined): Placements;
  close(): Promise<void>;
}

export interface BearerOptions {
  readonly cluster: ClusterAddress;
  readonly namespace: string;
  /** Milliseconds that a call may take. */
  readonly timeoutMs?: number;
  /** Connections to the API server, and so calls at a time. */
  readonly maxSockets?: number;
}

/** Who writes, in managedFields. */
export const FIELD_MANAGER = 'bmp-rest';

/** Larger answers are not of a Placement. */
const MOST_ANSWER = 3 * 2 ** 20;

/** One pool of connections, and no credentials but the callers'. */
export function bearerPlacements(options: BearerOptions): PlacementsSource {
  const { cluster, namespace, timeoutMs = 10_000, maxSockets = 64 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets, ...(cluster.ca !== undefined && { ca: cluster.ca }) });

  async function call(token: string, method: string, path: string, body?: object): Promise<Placement> {
    const text = await exchange(token, method, path, body);
    try {
      return JSON.parse(text) as Placement;
    } catch (cause) {
      throw new ApiError(0, 'Unreadable', `${method} ${path}: the answer is not JSON`, { cause });
    }
  }

  function exchange(token: string, method: string, path: string, body?: object): Promise<string> {
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'user-agent': 'bmp-rest',
      ...(body && { 'content-type': 'application/json' }),
    };
    const what = `${method} ${path}`;
    const failed = (cause: unknown) => new ApiError(0, 'Unreachable', `${what}: no answer`, { cause });
    return new Promise((settle, reject) => {
      const sent = httpsRequest(
        cluster.server + path,
        {
          method,
          headers,
          agent,
          signal: AbortSignal.timeout(timeoutMs),
          ...(cluster.serverName !== undefined && { servername: cluster.serverName }),
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            text += chunk;
            if (text.length > MOST_ANSWER) answer.destroy(new Error('the answer is too large'));
          });
          answer.on('error', (cause) => reject(failed(cause)));
          answer.on('end', () => {
            const status = answer.statusCode ?? 0;
            if (status >= 200 && status < 300) settle(text);
            else reject(errorOfAnswer(status, text, answer.headers['retry-after'], what));
          });
        },
      );
      sent.on('error', (cause) => reject(failed(cause)));
      sent.end(body && JSON.stringify(body));
    });
  }

  return {
    with(token) {
      if (token === undefined) throw new ApiError(401, 'Unauthorized', 'a bearer token is needed');
      const at = (name: string) => objectPath(PLACEMENTS, { namespace, name });
      return {
        create: (placement) =>
          call(
            token,
            'POST',
            withQuery(collectionPath(PLACEMENTS, namespace), { fieldManager: FIELD_MANAGER }),
            placement,
          ),
        get: (name) => call(token, 'GET', at(name)),
        async delete(name) {
          await call(token, 'DELETE', at(name));
        },
      };
    },
    async close() {
      agent.destroy();
    },
  };
}

/** The same with the service's own credentials, whoever calls. */
export function ownPlacements(client: KubeClient, namespace: string): PlacementsSource {
  const placements: Placements = {
    create: (placement) => client.create(PLACEMENTS, placement, { fieldManager: FIELD_MANAGER }),
    get: (name) => client.get(PLACEMENTS, { namespace, name }),
    delete: (name) => client.delete(PLACEMENTS, { namespace, name }),
  };
  return { with: () => placements, close: () => client.close() };
}
