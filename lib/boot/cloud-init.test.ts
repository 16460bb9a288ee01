// Seeds before the one who reads them: cloud-init's own schema check, and the reporting script in Python.
import { spawn } from 'node:child_process';
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
import { peerTest } from '../testing/peers.ts';
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

cloudInit('cloud-init finds nothing to complain of in a seed', () =>
  withFolder(async (dir) => {
    const seeds: SeedInput[] = [
      input,
      { ...input, defaultUser: 'root' },
      { ...input, passwordHash: '$6$salt$hash', sshAuthorizedKeys: [] },
    ];
    for (const seed of seeds) {
      const file = join(dir, 'user-data');
      await writeFile(file, seedFiles(seed)['user-data']!);
      const { code, text } = await output('cloud-init', ['schema', '--config-file', file]);
      assert.is(code, 0, text);
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
