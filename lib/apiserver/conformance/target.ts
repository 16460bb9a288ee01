// A server to run cases on. A real cluster may serve custom resources from a second API server; then both have a kubeconfig.
import { asText } from '../json.ts';
import { Client } from './client.ts';
import { CONFORMANCE_GROUP } from './widgets.ts';

export class Target {
  readonly #core: Client;
  readonly #custom: Client;

  constructor(kubeconfig: string, customKubeconfig?: string) {
    this.#core = new Client(kubeconfig);
    this.#custom = customKubeconfig ? new Client(customKubeconfig) : this.#core;
  }

  /** The client for a path. */
  clientFor(path: string): Client {
    const custom = path.startsWith('/apis/apiextensions.k8s.io') || path.includes(CONFORMANCE_GROUP);
    return custom ? this.#custom : this.#core;
  }

  get core(): Client {
    return this.#core;
  }

  get custom(): Client {
    return this.#custom;
  }

  /** Whether custom resources come from a server of their own. */
  get split(): boolean {
    return this.#core !== this.#custom;
  }

  /** The minor version of Kubernetes whose custom resources are served. */
  async customMinor(): Promise<number> {
    const { body } = await this.#custom.get('/version');
    return Number.parseInt(asText(body['minor']), 10);
  }

  close(): void {
    this.#core.close();
    if (this.split) this.#custom.close();
  }
}
