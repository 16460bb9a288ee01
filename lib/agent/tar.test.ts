// What a tar says of itself, as GNU tar writes it, in pieces of any size; and what is refused.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../testing/peers.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { AgentError } from './errors.ts';
import { readingTar, TarReader } from './tar.ts';
import { TAR_END, tarEntry } from './tar-entry.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function read(archive: Buffer, pieceBytes = 1000): Map<string, string> {
  const reader = new TarReader();
  for (let at = 0; at < archive.length; at += pieceBytes) reader.push(archive.subarray(at, at + pieceBytes));
  reader.end();
  return reader.files;
}

function refusal(archive: Buffer): string {
  try {
    read(archive);
  } catch (error) {
    assert.instance(error, AgentError);
    assert.is((error as AgentError).code, 'UnsupportedImage');
    return (error as AgentError).message;
  }
  return 'none';
}

const withTar = peerTest('tar', 'tar');
for (const format of ['ustar', 'gnu', 'pax', 'v7'] as const) {
  withTar(`files, and no links and folders, in any pieces (${format})`, async () => {
    await using dir = await tempDir();
    const files: Record<string, string> = { 'etc/shadow': 'root:*', empty: '', large: 'x'.repeat(100_000) };
    // Longer than the header has room for, each in another way.
    if (format !== 'v7') files[`${'p'.repeat(90)}/${'n'.repeat(90)}`] = 'in two parts';
    if (format === 'gnu' || format === 'pax')
      files[`${'p'.repeat(90)}/${'ü'.repeat(80)}/long`] = 'in a header of its own';
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(dir.path, path, '..'), { recursive: true });
      writeFileSync(join(dir.path, path), content);
    }
    symlinkSync('etc/shadow', join(dir.path, 'link'));
    linkSync(join(dir.path, 'large'), join(dir.path, 'zz-hard'));
    const args = ['--create', '--file=-', `--format=${format}`, '--sort=name', '-C', dir.path, '.'];
    const archive = execFileSync('tar', args, { maxBuffer: 1e8 });
    const wanted = Object.entries(files).map(([path, content]) => [path, sha256(Buffer.from(content))] as const);
    for (const pieceBytes of [1, 511, 512, 513, 100_000])
      assert.equal(Object.fromEntries(read(archive, pieceBytes)), Object.fromEntries(wanted));
  });
}

test('what comes later takes the place of what came before', () => {
  const archive = Buffer.concat([tarEntry('a', Buffer.from('1')), tarEntry('./a', Buffer.from('2')), TAR_END]);
  assert.equal([...read(archive)], [['a', sha256(Buffer.from('2'))]]);
});

test('what is no whole tar, or leads elsewhere, is refused', () => {
  const entry = tarEntry('a', Buffer.from('content'));
  const broken = Buffer.from(entry);
  broken[0]! ^= 1;
  assert.match(refusal(Buffer.concat([broken, TAR_END])), /checksum/);
  assert.match(refusal(entry), /ends too soon/);
  assert.match(refusal(Buffer.concat([entry, TAR_END]).subarray(0, 700)), /ends too soon/);
  assert.match(refusal(Buffer.alloc(0)), /ends too soon/);
  assert.match(refusal(Buffer.from('no tar at all '.repeat(100))), /checksum|number/);
  for (const path of ['../a', 'a/../../b', '/a/..']) {
    assert.match(refusal(Buffer.concat([tarEntry(path, Buffer.alloc(0)), TAR_END])), /leads elsewhere/);
  }
  assert.equal([...read(Buffer.concat([tarEntry('/etc//x', Buffer.alloc(0)), TAR_END])).keys()], ['etc/x']);
});

test('what goes by comes out as it went in, and an archive that ends too soon is an error at its end', async () => {
  const archive = Buffer.concat([tarEntry('a', Buffer.from('content')), TAR_END]);
  const through = async (bytes: Buffer) => {
    async function* source() {
      for (const byte of bytes) yield Buffer.from([byte]);
    }
    const out: Uint8Array[] = [];
    for await (const piece of readingTar(source(), new TarReader())) out.push(piece);
    return Buffer.concat(out);
  };
  assert.ok((await through(archive)).equals(archive));
  let failed = '';
  await through(archive.subarray(0, 600)).catch((error: Error) => (failed = error.message));
  assert.match(failed, /ends too soon/);
});

test.run();
