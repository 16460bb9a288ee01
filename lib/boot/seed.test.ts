import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSeedReport, SeedError, type SeedInput, seedFiles } from './seed.ts';

const isSeedError = (error: Error) => error instanceof SeedError;

const input: SeedInput = {
  instanceUID: 'i-1',
  hostname: 'web-1',
  sshAuthorizedKeys: ['ssh-ed25519 AAAA me@home'],
  defaultUser: 'debian',
  report: { url: 'https://192.0.2.1:8443', fingerprint: 'ab'.repeat(32), token: 'secret-token', instanceUID: 'i-1' },
};

test('meta-data names the instance and hides how to report from everybody but root', () => {
  const files = seedFiles(input);
  const metaData = load(files['meta-data']!) as Record<string, unknown>;
  assert.is(metaData['instance-id'], 'i-1');
  assert.is(metaData['local-hostname'], 'web-1');
  assert.equal(Object.keys(metaData).sort(), ['instance-id', 'local-hostname', 'security-credentials']);
  assert.equal(readSeedReport(files), input.report);
  assert.is(readSeedReport({ 'meta-data': 'instance-id: x\n' }), undefined);
  assert.is(readSeedReport({}), undefined);
});

test('without user data the seed is one cloud-config: host name, user, keys, no password', () => {
  const text = seedFiles(input)['user-data']!;
  assert.ok(text.startsWith('#cloud-config\n'));
  assert.equal(load(text), {
    preserve_hostname: false,
    hostname: 'web-1',
    users: [
      {
        name: 'debian',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        shell: '/bin/bash',
        lock_passwd: true,
        ssh_authorized_keys: ['ssh-ed25519 AAAA me@home'],
      },
    ],
    disable_root: true,
  });
  const withPassword = load(seedFiles({ ...input, passwordHash: '$6$x$y' })['user-data']!) as {
    users: { hashed_passwd: string; lock_passwd: boolean }[];
  };
  assert.is(withPassword.users[0]!.hashed_passwd, '$6$x$y');
  assert.is(withPassword.users[0]!.lock_passwd, false);
});

/** The parts of a MIME message as a reader sees them. */
function parts(message: string): { type: string; text: string }[] {
  const boundary = /boundary="([^"]+)"/.exec(message)![1]!;
  return message
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [head, ...body] = part.trim().split('\n\n');
      const base64 = /base64/.test(head!);
      const text = base64 ? Buffer.from(body.join(''), 'base64').toString() : body.join('\n\n');
      return { type: /Content-Type: ([^;\n]+)/i.exec(head!)![1]!, text };
    });
}

test('user data of any kind comes after ours, so that it wins', () => {
  const kinds: [string, string][] = [
    ['#cloud-config\npackages: [nginx]\n', 'text/cloud-config'],
    ['#!/bin/sh\necho hello ☃\n', 'text/x-shellscript'],
    ['#include\nhttp://192.0.2.1/more\n', 'text/x-include-url'],
    ['#cloud-boothook\n#!/bin/sh\n', 'text/cloud-boothook'],
  ];
  for (const [userData, type] of kinds) {
    const [ours, theirs, ...more] = parts(seedFiles({ ...input, userData })['user-data']!);
    assert.ok(ours!.text.startsWith('#cloud-config\n'));
    assert.equal(theirs, { type, text: userData });
    assert.is(more.length, 0);
  }
  const mime = 'Content-Type: text/x-shellscript\n\n#!/bin/sh\n';
  assert.equal(parts(seedFiles({ ...input, userData: mime })['user-data']!)[1], {
    type: 'text/x-shellscript',
    text: '#!/bin/sh',
  });
  assert.throws(() => seedFiles({ ...input, userData: 'hello' }), isSeedError);
});

test('a network is version 2, with or without its outer key', () => {
  const network = { version: 2, ethernets: { eth0: { dhcp4: true } } };
  assert.equal(load(seedFiles({ ...input, network })['network-config']!), network);
  assert.equal(load(seedFiles({ ...input, network: { network } })['network-config']!), network);
  assert.is(seedFiles(input)['network-config'], undefined);
  assert.throws(() => seedFiles({ ...input, network: { version: 1 } }), isSeedError);
});

test('the same input gives the same files', () => {
  assert.equal(seedFiles({ ...input, userData: '#!/bin/sh\n' }), seedFiles({ ...input, userData: '#!/bin/sh\n' }));
});

test.run();
