// How kstatus reads a custom resource: what Flux waits by, and other tools of Kubernetes' SIG CLI.
// https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
import type { KubeObject } from '../../lib/kube/resource.ts';

export type Reading = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

interface Observable extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export function kstatusOf({ metadata, status }: Observable): Reading {
  const is = (type: string, state: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === state) ?? false;
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  if (is('Reconciling', 'True')) return 'InProgress';
  if (is('Stalled', 'True')) return 'Failed';
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current';
}
