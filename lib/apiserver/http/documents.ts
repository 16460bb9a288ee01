// Requests for documents about the server: versions, discovery, OpenAPI. Kept until the registry changes.

import { aggregated, coreVersions, groupDocument, groupList, resourceList } from '../discovery/discovery.ts';
import { hashOf, openApiV2, openApiV3 } from '../discovery/openapi.ts';
import { encodeOpenApiV2, OPENAPI_V2_PROTOBUF } from '../discovery/openapi-protobuf.ts';
import type { JsonObject } from '../json.ts';
import type { Registry } from '../resources/registry.ts';
import { negotiate } from './media.ts';
import { segments } from './request.ts';
import { encoded, type Reply } from './respond.ts';

/** GET /version: which Kubernetes the server behaves as. */
export const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+bmp',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const TITLE = 'Kubernetes';

export class Documents {
  readonly #registry: Registry;
  readonly #address: () => string;
  #revision = -1;
  #texts = new Map<string, string>();
  #protobuf: Buffer | undefined;

  /** @param address "host:port" of this server */
  constructor(registry: Registry, address: () => string) {
    this.#registry = registry;
    this.#address = address;
  }

  /** The document at a path; undefined when there is none. @throws ApiError 406 */
  get(path: string, query: URLSearchParams, accept: string | undefined): Reply | undefined {
    if (this.#revision !== this.#registry.revision) {
      this.#revision = this.#registry.revision;
      this.#texts = new Map();
      this.#protobuf = undefined;
    }
    const parts = segments(path);
    if (parts.length === 0) return this.index(200);
    if (parts[0] === 'openapi') return this.#openApi(parts, query, accept);
    const aggregatedVersion = aggregatedAccepted(accept);
    if ((path === '/api' || path === '/apis') && aggregatedVersion) {
      const text = this.#text(`${path} ${aggregatedVersion}`, () =>
        aggregated(this.#registry, path === '/api', aggregatedVersion),
      );
      const contentType = `application/json;g=apidiscovery.k8s.io;v=${aggregatedVersion};as=APIGroupDiscoveryList`;
      return withTag({ code: 200, text: text!, contentType });
    }
    const text = this.#text(path, () => this.#legacy(parts));
    return text === undefined ? undefined : encoded(200, text, negotiate(accept).encoding);
  }

  /** The paths that there are: the answer to "/", and to every path that there is not. */
  index(code: number): Reply {
    const groups = this.#registry.groups().filter(Boolean);
    const versions = groups.flatMap((group) => [
      `/apis/${group}`,
      ...this.#registry.versions(group).map(({ version }) => `/apis/${group}/${version}`),
    ]);
    const fixed = [
      '/api',
      '/api/v1',
      '/apis',
      '/healthz',
      '/livez',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ];
    return encoded(code, JSON.stringify({ paths: [...fixed, ...versions].sort() }), 'json');
  }

  #text(key: string, make: () => JsonObject | undefined): string | undefined {
    let text = this.#texts.get(key);
    if (text === undefined) {
      const made = make();
      if (!made) return undefined;
      text = JSON.stringify(made);
      this.#texts.set(key, text);
    }
    return text;
  }

  #legacy(parts: readonly string[]): JsonObject | undefined {
    const [root, first, second, ...more] = parts;
    if (more.length > 0) return undefined;
    if (root === 'version' && first === undefined) return VERSION;
    if (root === 'api') {
      if (first === undefined) return coreVersions(this.#address());
      return second === undefined ? resourceList(this.#registry, '', first) : undefined;
    }
    if (root === 'apis') {
      if (first === undefined) return groupList(this.#registry);
      if (second === undefined) return first ? groupDocument(this.#registry, first) : undefined;
      return resourceList(this.#registry, first, second);
    }
    return undefined;
  }

  #openApi(parts: readonly string[], query: URLSearchParams, accept: string | undefined): Reply | undefined {
    if (parts[1] === 'v2' && parts.length === 2) {
      if (/proto/.test(accept ?? '')) {
        this.#protobuf ??= encodeOpenApiV2(openApiV2(this.#registry, TITLE, VERSION.gitVersion));
        return withTag({ code: 200, text: this.#protobuf, contentType: OPENAPI_V2_PROTOBUF });
      }
      const text = this.#text('/openapi/v2', () => openApiV2(this.#registry, TITLE, VERSION.gitVersion))!;
      return withTag({ code: 200, text, contentType: 'application/json' });
    }
    if (parts[1] !== 'v3') return undefined;
    if (parts.length === 2) {
      const text = this.#text('/openapi/v3', () => this.#index())!;
      return { code: 200, text, contentType: 'application/json' };
    }
    const text = this.#v3(parts.slice(2).join('/'));
    if (text === undefined) return undefined;
    const current = query.get('hash') === hashOf(text);
    return withTag({
      code: 200,
      text,
      contentType: 'application/json',
      headers: current
        ? { 'Cache-Control': 'public, immutable', Expires: new Date(Date.now() + 31_536_000_000).toUTCString() }
        : {},
    });
  }

  #v3(path: string): string | undefined {
    const [root, first, second, ...more] = path.split('/');
    if (more.length > 0 || !first) return undefined;
    if (root === 'api' && second === undefined)
      return this.#text(path, () => openApiV3(this.#registry, '', first, TITLE));
    if (root === 'apis' && second) return this.#text(path, () => openApiV3(this.#registry, first, second, TITLE));
    return undefined;
  }

  #index(): JsonObject {
    const paths: JsonObject = {};
    for (const group of this.#registry.groups()) {
      for (const { version } of this.#registry.versions(group)) {
        const path = group ? `apis/${group}/${version}` : `api/${version}`;
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(this.#v3(path)!)}` };
      }
    }
    return { paths };
  }
}

function withTag(reply: Reply): Reply {
  return { ...reply, headers: { ...reply.headers, ETag: `"${hashOf(reply.text)}"`, Vary: 'Accept' } };
}

/** The version of aggregated discovery that the client takes, if any. */
function aggregatedAccepted(accept: string | undefined): string | undefined {
  for (const range of (accept ?? '').split(',')) {
    const parameters = range.split(';').map((text) => text.trim());
    if (!parameters.includes('g=apidiscovery.k8s.io') || !parameters.includes('as=APIGroupDiscoveryList')) continue;
    if (parameters.includes('v=v2')) return 'v2';
    if (parameters.includes('v=v2beta1')) return 'v2beta1';
  }
  return undefined;
}
