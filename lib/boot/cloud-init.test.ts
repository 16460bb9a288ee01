// Seeds before the one who reads them: cloud-init's own parsers and schema check, and the reporting script in Python.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCertificate } from '../provision/api/certificate.ts';
import { startProvisionApi } from '../provision/api/server.ts';
import { systemToken } from '../provision/api/tokens.ts';
import type { SystemReport } from '../provision/protocol.ts';
import { DEBIAN_PYTHON, peerTest, pythonPeerTest } from '../testing/peers.ts';
import { type SeedInput, seedFiles } from './seed.ts';

const input: SeedInput = {
  instanceUID: 'i-1',
  hostname: 'web-1',
  sshAuthorizedKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2k me@home'],
  defaultUser: 'debian',
  report: { url: 'https://192.0.2.1:8443', fingerprint: 'ab'.repeat(32), token: 'token', instanceUID: 'i-1' },
};

async function withFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bmp-seed-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function output(command: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

const cloudInit = peerTest('cloud-init', 'cloud-init');
const python = peerTest('python3', 'python3');

const hashed = { passwordHash: '$6$salt$hash' };
const ETHERNETS = {
  eno1: { match: { macaddress: '52:54:00:00:00:01' }, 'set-name': 'eno1' },
  eno2: { match: { macaddress: '52:54:00:00:00:02' }, 'set-name': 'eno2' },
};
/** Every shape that a seed's files take. */
const SEEDS: Readonly<Record<string, SeedInput>> = {
  plain: input,
  root: { ...input, defaultUser: 'root' },
  'password, no key': { ...input, ...hashed, sshAuthorizedKeys: [] },
  'several keys': {
    ...input,
    sshAuthorizedKeys: [...input.sshAuthorizedKeys, 'ssh-rsa AAAAB3NzaC1yc2E= "a b" \\ # c'],
  },
  'a cloud-config': { ...input, userData: '#cloud-config\npackages: [nginx]\nruncmd: [[ls, -l]]\n' },
  'an archive': {
    ...input,
    userData: '#cloud-config-archive\n- type: text/cloud-config\n  content: "timezone: UTC"\n',
  },
  'a script': { ...input, userData: '#!/bin/sh\necho hello ☃\n' },
  'a boothook': { ...input, userData: '#cloud-boothook\n#!/bin/sh\ntrue\n' },
  MIME: { ...input, userData: 'Content-Type: text/x-shellscript\n\n#!/bin/sh\ntrue\n' },
  DHCP: { ...input, network: { version: 2, ethernets: { eth0: { dhcp4: true, dhcp6: true } } } },
  'both versions, with routes': {
    ...input,
    network: {
      version: 2,
      ethernets: {
        eno1: {
          ...ETHERNETS.eno1,
          addresses: ['192.0.2.7/24', '2001:db8::7/64'],
          routes: [
            { to: '0.0.0.0/0', via: '192.0.2.1' },
            { to: '::/0', via: '2001:db8::1' },
          ],
          nameservers: { addresses: ['192.0.2.53', '2001:db8::53'] },
          mtu: 9000,
        },
      },
    },
  },
  'a VLAN on a bond, with the outer key': {
    ...input,
    network: {
      network: {
        version: 2,
        ethernets: ETHERNETS,
        bonds: {
          bond0: { interfaces: ['eno1', 'eno2'], parameters: { mode: '802.3ad' }, addresses: ['192.0.2.7/24'] },
        },
        vlans: { vlan20: { id: 20, link: 'bond0', addresses: ['198.51.100.7/24'] } },
      },
    },
  },
  'a bridge': {
    ...input,
    network: { version: 2, ethernets: ETHERNETS, bridges: { br0: { interfaces: ['eno1'], dhcp4: true } } },
  },
};

/** Takes a seed as cloud-init does, and prints the types of its parts. Whatever it complains of is an exception. */
const READ = `
import json, sys
from cloudinit import safeyaml, user_data
from cloudinit.config import schema
from cloudinit.net import network_state
seed = json.load(sys.stdin)
meta = safeyaml.load(seed["meta-data"])
assert meta["instance-id"] and meta["local-hostname"], meta
types = []
for name in ("user-data", "vendor-data"):
    for part in user_data.UserDataProcessor(None).process(seed[name]).walk():
        if part.is_multipart(): continue
        types.append(part.get_content_type())
        if part.get_content_type() == "text/cloud-config":
            config = safeyaml.load(part.get_payload(decode=True))
            schema.validate_cloudconfig_schema(config, schema.get_schema(), strict=True)
if "network-config" in seed:
    state = network_state.parse_net_config_data(safeyaml.load(seed["network-config"]), skip_broken=False)
    assert list(state.iter_interfaces())
print(json.dumps(types))
`;

const readsSeeds = pythonPeerTest('cloudinit', 'cloud-init');
for (const [shape, seed] of Object.entries(SEEDS)) {
  readsSeeds(`cloud-init takes a seed: ${shape}`, () => {
    const { status, stdout, stderr } = spawnSync(DEBIAN_PYTHON, ['-c', READ], {
      input: JSON.stringify(seedFiles(seed)),
      encoding: 'utf8',
    });
    assert.is(status, 0, stderr);
    // Warnings are complaints too.
    assert.is(stderr, '');
    const types = JSON.parse(stdout) as string[];
    assert.is(types[0], 'text/cloud-config');
    assert.is(types.at(-1), 'text/x-shellscript', 'the reporting script is run');
    assert.is(types.length, seed.userData === undefined ? 2 : 3);
  });
}

cloudInit("cloud-init's own command finds nothing to complain of in a seed", () =>
  withFolder(async (dir) => {
    for (const shape of ['plain', 'root', 'password, no key', 'several keys']) {
      const seed = SEEDS[shape]!;
      const file = join(dir, 'user-data');
      await writeFile(file, seedFiles(seed)['user-data']!);
      const { code, text } = await output('cloud-init', ['schema', '--config-file', file]);
      assert.is(code, 0, `${shape}: ${text}`);
    }
  }),
);

python('the reporting script tells the pinned operator of the boot, and says nothing to anybody else', () =>
  withFolder(async (dir) => {
    const key = randomBytes(32);
    const silent = () => undefined;
    const seen: SystemReport[] = [];
    let tries = 0;
    let recorded: () => void = silent;
    const done = new Promise<void>((resolve) => {
      recorded = resolve;
    });
    const api = await startProvisionApi({
      host: '127.0.0.1',
      port: 0,
      bootPort: 0,
      tls: await createCertificate(['127.0.0.1'], new Date()),
      key,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      backend: {
        boot: () => undefined,
        openSession: async () => ({ refuse: 'later', message: '' }),
        report: async () => ({ refuse: 'later', message: '' }),
        agentLog: silent,
        async systemReport(_claims, report) {
          // Not recorded at the first try: it must come again.
          if (tries++ === 0) return { refuse: 'later', message: 'not yet' };
          seen.push(report);
          recorded();
          return undefined;
        },
      },
    });
    try {
      const token = systemToken(key, { device: 'r1-01', deviceUID: 'd', instanceUID: 'i-1' });
      const { url, fingerprint } = api;
      const run = async (pin: string) => {
        const vendorData = seedFiles({ ...input, report: { url, fingerprint: pin, token, instanceUID: 'i-1' } })[
          'vendor-data'
        ]!;
        // In the foreground and once, where a boot would fork and go on for ever.
        const script = /<<'END_OF_REPORT'\n([\s\S]*)END_OF_REPORT/.exec(vendorData)![1]!;
        const file = join(dir, 'bmp-report');
        await writeFile(file, script);
        return output('python3', [
          '-c',
          `import runpy, os; os.fork = lambda: 1; m = runpy.run_path(${JSON.stringify(file)}); ${pin === fingerprint ? 'm["main"]()' : 'm["post"]({})'}`,
        ]);
      };
      const refused = await run('00'.repeat(32));
      assert.is(refused.code, 1);
      assert.ok(refused.text.includes("the operator's certificate is not the one of the seed"), refused.text);
      assert.is(tries, 0);
      const told = await run(fingerprint);
      assert.is(told.code, 0, told.text);
      await done;
      assert.is(tries, 2);
      assert.is(seen[0]!.instanceUID, 'i-1');
      assert.match(seen[0]!.bootID, /^[0-9a-f-]{36}$/);
      assert.ok(Array.isArray(seen[0]!.addresses));
    } finally {
      await api.close();
    }
  }),
);

test.run();
