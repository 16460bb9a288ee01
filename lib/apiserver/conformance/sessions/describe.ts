// OpenAPI of custom resources where their own server publishes none: the core is given the same definitions, and publishes
// them. Requests for the resources themselves never reach it.
import type { Client } from '../client.ts';
import { DEFINITIONS } from '../widgets.ts';

const PATIENCE = 60_000;
const PAUSE = 250;

/** Installs the definitions, and waits until OpenAPI v2 has them. */
export async function describeCustomResources(core: Client): Promise<void> {
  for (const definition of DEFINITIONS) {
    const { code, text } = await core.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    if (code !== 201 && code !== 409) throw new Error(`installing a definition failed: ${text}`);
  }
  const deadline = Date.now() + PATIENCE;
  while (!(await core.get('/openapi/v2')).text.includes('dev.bmp.conformance.v1.Ruled')) {
    if (Date.now() > deadline) throw new Error('the definitions do not show in OpenAPI');
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
