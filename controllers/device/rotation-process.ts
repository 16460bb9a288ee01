// One pass of a rotation as a process of its own, to be killed at any moment: it knows nothing of passes before it.
//
//   node controllers/device/rotation-process.ts --kubeconfig F --namespace N --secret S --address URL --request VALUE
//
// Prints how the request ended as JSON: {result, message?}.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Device } from '../../lib/api/generated.ts';
import { SECRETS } from '../../lib/api/resources.ts';
import { Transport } from '../../lib/bmc/ipmi/transport.ts';
import { openDriver } from '../../lib/bmc/open.ts';
import { BmcPool } from '../../lib/bmc/pool.ts';
import { createClient } from '../../lib/kube/client.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { loginDigests } from './bmc-access.ts';
import { rotateIfAsked } from './rotation-request.ts';

const text = { type: 'string', default: '' } as const;
const { values } = parseArgs({
  options: { kubeconfig: text, namespace: text, secret: text, address: text, request: text },
});
const { kubeconfig, namespace, address, request } = values;

const client = createClient({ kubeconfig });
const transport = new Transport();
const bmcs = new BmcPool((target) => openDriver(target, { transport }));
const loginDigest = loginDigests(randomBytes(32));
const device: Device = {
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: values.secret },
  spec: {
    bmc: { address, credentialsRef: { name: values.secret } },
    bootMACAddress: '52:54:00:00:00:01',
    site: 'lab',
    requests: { rotatePassword: request },
  },
};
const secret = await client.get(SECRETS, { namespace, name: values.secret });
const login = loginDigest(address, secret);
const known = { name: values.secret, digest: login };
const deps = {
  client,
  bmcs,
  clock: systemClock,
  namespace,
  loginDigest,
  stores: { devices: new Map([[values.secret, device]]), sites: new Map<string, never>() },
  events: { event: () => undefined },
};
const status = { credentials: { tried: known, good: known } };
const around = { secret, secretName: values.secret };
const after = await rotateIfAsked({ deps, device, status, around, login, atRest: true }, AbortSignal.timeout(60_000));
await bmcs.close();
transport.close();
await client.close();
console.log(JSON.stringify(after?.requests?.rotatePassword));
