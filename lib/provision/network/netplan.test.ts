// What comes of an Instance's network, judged by what netplan's version 2 says, and by how cloud-init reads it.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEBIAN_PYTHON, pythonPeerTest } from '../../testing/peers.ts';
import { type Attachment, composeNetwork, type Machine, type Netplan } from './netplan.ts';

const machine: Machine = {
  nics: [
    { name: 'eno1', macAddress: '52:54:00:00:00:01' },
    { name: 'eno2', macAddress: '52:54:00:00:00:02' },
  ],
  bootMACAddress: '52:54:00:00:00:01',
};
const front: Attachment = {
  network: 'front',
  address: '192.0.2.7',
  prefix: 24,
  gateway: '192.0.2.1',
  nameservers: ['192.0.2.53'],
};
const front6: Attachment = {
  network: 'front6',
  address: '2001:db8::7',
  prefix: 64,
  gateway: '2001:db8::1',
  nameservers: ['192.0.2.53', '2001:db8::53'],
};
const storage: Attachment = { network: 'storage', address: '198.51.100.7', prefix: 24, vlan: 20, nameservers: [] };
const told = (name: 'eno1' | 'eno2') => ({
  match: { macaddress: machine.nics.find((nic) => nic.name === name)!.macAddress },
  'set-name': name,
});

test('where nothing is written, the interface that boots has the addresses of both versions', () => {
  assert.equal(composeNetwork(undefined, [front, front6], machine), {
    version: 2,
    ethernets: {
      eno1: {
        ...told('eno1'),
        addresses: ['192.0.2.7/24', '2001:db8::7/64'],
        routes: [
          { to: '0.0.0.0/0', via: '192.0.2.1' },
          { to: '::/0', via: '2001:db8::1' },
        ],
        nameservers: { addresses: ['192.0.2.53', '2001:db8::53'] },
      },
    },
  });
  assert.is(composeNetwork(undefined, [], machine), undefined);
});

const bonded: Netplan = {
  version: 2,
  bonds: { bond0: { interfaces: ['eno1', 'eno2'], parameters: { mode: '802.3ad', 'mii-monitor-interval': 100 } } },
};
const onBond = [
  { ...front, interface: 'bond0' },
  { ...storage, interface: 'bond0' },
];

test('a bond of the collected interfaces, with a tagged network on it', () => {
  const network = composeNetwork(bonded, onBond, machine) as {
    ethernets: object;
    vlans: object;
    bonds: { bond0: { addresses: string[] } };
  };
  assert.equal(network.ethernets, { eno1: told('eno1'), eno2: told('eno2') });
  assert.equal(network.bonds.bond0.addresses, ['192.0.2.7/24']);
  assert.equal(network.vlans, { vlan20: { id: 20, link: 'bond0', addresses: ['198.51.100.7/24'] } });
  assert.equal(Object.keys((bonded.bonds as { bond0: object }).bond0), ['interfaces', 'parameters']);
});

test('a VLAN that is written takes its network, and two networks share one', () => {
  const written = { version: 2, vlans: { stor: { id: 20, link: 'eno2', mtu: 9000 } } };
  const both = [
    { ...storage, interface: 'stor' },
    { ...storage, address: '2001:db8:20::7', prefix: 64, interface: 'stor' },
  ];
  const { vlans } = composeNetwork(written, both, machine) as { vlans: object };
  assert.equal(vlans, {
    stor: { id: 20, link: 'eno2', mtu: 9000, addresses: ['198.51.100.7/24', '2001:db8:20::7/64'] },
  });
  const implied = composeNetwork(undefined, [storage, { ...storage, address: '198.51.100.8' }], machine);
  assert.equal((implied as { vlans: { vlan20: { addresses: string[] } } }).vlans.vlan20.addresses.length, 2);
});

test('what was written of an interface by its MAC address is not said a second time', () => {
  const written = { version: 2, ethernets: { lan: { match: { macaddress: machine.bootMACAddress }, mtu: 9000 } } };
  const { ethernets } = composeNetwork({ network: written }, [front], machine) as { ethernets: Record<string, object> };
  assert.equal(Object.keys(ethernets), ['lan']);
  assert.ok('addresses' in ethernets.lan!);
});

test('what cannot be had is told by its name, and by what there is', () => {
  const says = (written: Netplan | undefined, attachments: readonly Attachment[], message: RegExp) =>
    assert.throws(
      () => composeNetwork(written, attachments, machine),
      (error: Error & { code?: string }) => error.code === 'BadNetwork' && message.test(error.message),
    );
  says({ version: 1 }, [], /must say version: 2/);
  says(
    { version: 2, bonds: { bond0: { interfaces: ['eno1', 'eno9'] } } },
    [],
    /bond0 wants an interface eno9, there are eno1, eno2, bond0/,
  );
  says({ version: 2, vlans: { v: { id: 7 } } }, [], /the VLAN v names no interface/);
  says(
    undefined,
    [{ ...front, interface: 'bond0' }],
    /the network front wants an interface bond0, there are eno1, eno2/,
  );
  says(
    { version: 2, ethernets: { eno1: { addresses: ['192.0.2.7'] } } },
    [],
    /ethernets.eno1: "192.0.2.7" is no address with a prefix/,
  );
  says({ version: 2, ethernets: [] }, [], /ethernets is no map/);
  says(undefined, [storage, { ...storage, interface: 'eno2' }], /only one interface can carry VLAN 20/);
  assert.throws(
    () => composeNetwork(undefined, [front], { ...machine, nics: [] }),
    /no interface with the MAC address/,
  );
});

/** What cloud-init itself understands: of each interface its addresses and its routes' gateways. */
const READ = `
import json, sys
from cloudinit.net import network_state
state = network_state.parse_net_config_data(json.load(sys.stdin), skip_broken=False)
def subnets(one): return one.get("subnets", [])
print(json.dumps({one["name"]: {
    "addresses": [subnet["address"].split("/")[0] + "/" + str(subnet["prefix"]) for subnet in subnets(one) if "address" in subnet],
    "gateways": [route["gateway"] for subnet in subnets(one) for route in subnet.get("routes", [])],
    "mac": one.get("mac_address"), "bond": one.get("bond-master"), "link": one.get("vlan-raw-device"),
} for one in state.iter_interfaces()}))
`;

pythonPeerTest('cloudinit', 'cloud-init')('cloud-init understands a network as it is meant', () => {
  const understood = (network: Netplan | undefined) => {
    const { status, stdout, stderr } = spawnSync(DEBIAN_PYTHON, ['-c', READ], {
      input: JSON.stringify(network),
      encoding: 'utf8',
    });
    assert.is(status, 0, stderr);
    return JSON.parse(stdout) as Record<string, Record<string, unknown>>;
  };
  const plain = understood(composeNetwork(undefined, [front, front6], machine));
  assert.equal(plain.eno1?.addresses, ['192.0.2.7/24', '2001:db8::7/64']);
  assert.equal([...new Set(plain.eno1?.gateways as string[])], ['192.0.2.1', '2001:db8::1']);
  assert.is(plain.eno1?.mac, machine.bootMACAddress);
  const { bond0, eno2, vlan20 } = understood(composeNetwork(bonded, onBond, machine));
  assert.equal(bond0?.addresses, ['192.0.2.7/24']);
  assert.is(eno2?.bond, 'bond0');
  assert.is(vlan20?.link, 'bond0');
  assert.equal(vlan20?.addresses, ['198.51.100.7/24']);
});

test.run();
