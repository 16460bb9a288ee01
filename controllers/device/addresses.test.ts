// Addresses under several operators, each with a cache of its own that may be behind: never the same twice, none lost.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Address, Device, Instance, Site } from '../../lib/api/generated.ts';
import { ADDRESSES, API_VERSION } from '../../lib/api/resources.ts';
import { createClientOver } from '../../lib/kube/client.ts';
import { ApiError } from '../../lib/kube/errors.ts';
import { createStore } from '../../lib/kube/store.ts';
import { createObjectServer, type Faults, type ObjectServer } from '../../lib/testing/object-server.ts';
import { addressesOf, giveBack, type Held, takeAddresses } from './addresses.ts';

const never = new AbortController().signal;
const site: Site = {
  apiVersion: API_VERSION,
  kind: 'Site',
  metadata: { name: 'fra1' },
  spec: {
    region: 'eu',
    networks: [
      { name: 'lan', subnet: '192.0.2.0/24', range: { start: '192.0.2.10', end: '192.0.2.17' } },
      { name: 'lan6', subnet: '2001:db8::/64', range: { start: '2001:db8::10', end: '2001:db8::ffff' } },
    ],
  },
};
const device = (at: number): Device => ({
  apiVersion: API_VERSION,
  kind: 'Device',
  metadata: { name: `r1-${at}`, uid: `device-${at}` },
  spec: { bmc: { address: 'ipmi://192.0.2.1' }, bootMACAddress: '52:54:00:00:00:01', site: 'fra1' },
});
const instance = (
  at: number,
  networks: Instance['spec']['networks'] = [{ name: 'lan' }, { name: 'lan6' }],
): Instance => ({
  apiVersion: API_VERSION,
  kind: 'Instance',
  metadata: { name: `web-${at}`, namespace: 'default', uid: `instance-${at}` },
  spec: { image: 'debian-12', networks },
});

/** An operator with a cache that shows what `shown` says, and its Device in a status of its own. */
function operator(server: ObjectServer, at: number, shown: () => Iterable<Address> = () => []) {
  const client = createClientOver(server.transport);
  const { store, writer } = createStore(ADDRESSES);
  let current = device(at);
  const world = {
    client,
    addresses: store,
    device: () => current,
    note: async (networks: Held[]) => {
      current = { ...current, status: { ...current.status, networks } };
    },
  };
  const refresh = () => {
    for (const address of shown()) writer.upsert(address);
  };
  return {
    take: (wanted: Instance) => {
      refresh();
      return takeAddresses(world, wanted, site, never);
    },
    release: () => giveBack(client, current, addressesOf(store, current), never),
    held: () => (current.status?.networks ?? []).map(({ address }) => address),
    names: () => (current.status?.networks ?? []).map(({ addressName }) => addressName),
  };
}

const inServer = (server: ObjectServer) => [...server.objects.values()] as unknown as Address[];
const serverWith = (faults: Faults = {}) => createObjectServer(faults);

test('as many as the range has are given at once by operators that see nothing of each other', async () => {
  const server = serverWith();
  const operators = Array.from({ length: 8 }, (_, at) => operator(server, at));
  await Promise.all(operators.map(({ take }, at) => take(instance(at))));
  const given = operators.flatMap(({ held }) => held());
  assert.is(new Set(given).size, 16);
  assert.equal(
    inServer(server)
      .map(({ spec }) => spec.address)
      .sort(),
    given.sort(),
  );
  const late = operator(server, 9);
  await late.take(instance(9)).then(
    () => assert.unreachable(),
    (error: Error & { code?: string }) => assert.is(error.code, 'AddressesExhausted'),
  );
  assert.equal(
    inServer(server).filter(({ spec }) => spec.deviceName === 'r1-9'),
    [],
    'nothing is kept of what could not be had whole',
  );
  await Promise.all(operators.map(({ release }) => release()));
  assert.is(server.objects.size, 0);
  await late.take(instance(9));
  assert.is(late.held().length, 2);
});

test('two operators that drive one Device give it one address of a network', async () => {
  const server = serverWith();
  const [old, new_] = [operator(server, 1), operator(server, 1)];
  await Promise.all([old.take(instance(1)), new_.take(instance(1))]);
  assert.equal(old.held(), new_.held());
  assert.is(server.objects.size, 2);
});

test('an address whose taking was not answered is not taken a second time', async () => {
  let lost = 0;
  const server = serverWith({
    after({ method }) {
      if (method !== 'POST' || lost++ > 0) return;
      throw new ApiError(0, 'Timeout', 'lost');
    },
  });
  const one = operator(server, 1);
  await one.take(instance(1)).then(
    () => assert.unreachable(),
    (error: Error) => assert.instance(error, ApiError),
  );
  await one.take(instance(1));
  assert.is(server.objects.size, 2);
});

test('another list of networks gives back what is not in it, and keeps the rest as it is', async () => {
  const server = serverWith();
  const one = operator(server, 1, () => inServer(server));
  await one.take(instance(1));
  const [lan] = one.held();
  await one.take(instance(1, [{ name: 'lan', interface: 'bond0' }]));
  assert.equal(one.held(), [lan]);
  assert.is(server.objects.size, 1);
  // Another Instance on the same Device has addresses of its own.
  await one.take(instance(2, [{ name: 'lan' }]));
  assert.equal(
    inServer(server).map(({ spec }) => spec.instanceRef.name),
    ['web-2'],
  );
});

test("what is somebody else's is not given back", async () => {
  const server = serverWith();
  const [one, other] = [operator(server, 1), operator(server, 2)];
  await one.take(instance(1));
  await giveBack(createClientOver(server.transport), device(2), one.names(), never);
  assert.is(server.objects.size, 2);
  await other.release();
  assert.is(server.objects.size, 2);
});

test.run();
