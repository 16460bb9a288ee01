// The log of the agent that failed last on a Device, kept for people: one ConfigMap per Device in the operator's namespace,
// which goes with the Device. It comes from the machine and may say anything: whoever shows it takes it for text.
import type { Device } from '../../lib/api/generated.ts';
import { agentLogName } from '../../lib/api/names.ts';
import { CONFIG_MAPS, type ConfigMap } from '../../lib/api/resources.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists } from '../../lib/kube/errors.ts';
import { controllerReference } from '../../lib/kube/resource.ts';

/** The end of it: what went wrong stands there. */
const LONGEST_BYTES = 64 * 1024;

export interface FailedTask {
  readonly operationId: string;
  readonly text: string;
  /** RFC 3339. */
  readonly at: string;
}

/** Keeps it in place of the one before. */
export async function keepAgentLog(
  client: KubeClient,
  namespace: string,
  device: Device,
  { operationId, text, at }: FailedTask,
): Promise<void> {
  const bytes = Buffer.from(text);
  const data = { operation: operationId, at, log: bytes.subarray(-LONGEST_BYTES).toString('utf8') };
  const name = { namespace, name: agentLogName(device.metadata.name) };
  const kept: ConfigMap = {
    apiVersion: 'v1',
    kind: CONFIG_MAPS.kind,
    metadata: { ...name, ownerReferences: [controllerReference(device)] },
    data,
  };
  try {
    await client.create(CONFIG_MAPS, kept);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { ownerReferences } = kept.metadata;
    await client.patch(CONFIG_MAPS, name, { type: 'merge', body: { metadata: { ownerReferences }, data } });
  }
}
