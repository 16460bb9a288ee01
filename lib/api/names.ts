// Names that are part of the API beside its schema: finalizers, labels, and where the operator keeps its own things.

/** On Devices: taken off when the hardware is given up, or when it cannot be reached any more. */
export const DEVICE_FINALIZER = 'bmp.dev/device';
/** On Instances: taken off when no device holds anything of the instance any more. */
export const INSTANCE_FINALIZER = 'bmp.dev/instance';

/** The operator's own namespace: BMC credentials, its keys and its Lease are read there and nowhere else. */
export const OPERATOR_NAMESPACE = 'bmp-system';
/** Secret with the key that signs the agent's tokens, and the certificate of the agent's API. */
export const OPERATOR_SECRET = 'bmp-provision';
/** ConfigMap in that namespace with the log of the agent that failed last on a Device. */
export const agentLogName = (device: string): string => `agent-log-${device}`.slice(0, 253);

export const FIELD_MANAGER = 'bmp-operator';
