// The disc as BMCs fetch it: whole or in pieces, with the arguments of one boot in their place and nothing else changed.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ARGUMENTS_BYTES, MEDIA_FILE, mediaArguments, mediaConfiguration, parseMediaPath } from '../../boot/media.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { mediaAnswer } from './media-files.ts';
import { isMediaKey, mediaKey } from './tokens.ts';

const BOOT = {
  url: 'https://192.0.2.1:6280',
  fingerprint: 'ab'.repeat(32),
  token: 'e30.c2ln',
  macAddress: '52:54:00:00:00:01',
  network: { address: '192.0.2.50/24', gateway: '192.0.2.1' },
};

test('every piece of the disc has the arguments where they belong', async () => {
  await using dir = await tempDir();
  // The place lies across the pieces in which the file is searched and read.
  const before = randomBytes(1024 * 1024 - 700);
  const disc = Buffer.concat([before, Buffer.from(mediaConfiguration()), randomBytes(1000)]);
  await writeFile(join(dir.path, MEDIA_FILE), disc);
  const put = mediaArguments(BOOT);
  assert.is(put.length, ARGUMENTS_BYTES);
  assert.match(put.toString(), / bmp\.address=192\.0\.2\.50\/24 bmp\.gateway=192\.0\.2\.1 /);
  const at = disc.indexOf('bmp-kernel-arguments');
  const wanted = Buffer.concat([disc.subarray(0, at), put, disc.subarray(at + ARGUMENTS_BYTES)]);
  const get = async (range?: string, headOnly = false) => {
    const answer = (await mediaAnswer(dir.path, put, { range, headOnly }))!;
    return { ...answer, bytes: answer.stream && Buffer.concat(await answer.stream.toArray()) };
  };
  assert.ok((await get()).bytes!.equals(wanted));
  for (const [first, last] of [
    [0, 0],
    [at - 1, at + 1],
    [at + 10, at + 20],
    [at + ARGUMENTS_BYTES - 1, at + ARGUMENTS_BYTES + 1],
    [at + 5, wanted.length - 1],
  ] as const) {
    const { status, headers, bytes } = await get(`bytes=${first}-${last}`);
    assert.is(status, 206);
    assert.is(headers['content-range'], `bytes ${first}-${last}/${wanted.length}`);
    assert.ok(bytes!.equals(wanted.subarray(first, last + 1)), `${first}-${last}`);
  }
  assert.ok((await get('bytes=-10')).bytes!.equals(wanted.subarray(-10)));
  assert.ok((await get(`bytes=${at}-`)).bytes!.equals(wanted.subarray(at)));
  assert.is((await get(`bytes=${wanted.length}-`)).status, 416);
  assert.is((await get(undefined, true)).headers['content-length'], String(wanted.length));
  assert.is(await mediaAnswer(join(dir.path, 'nowhere'), put, { range: undefined, headOnly: false }), undefined);
});

test('a disc is known by a key of its boot alone, and nothing that is no word gets onto it', () => {
  const secret = randomBytes(32);
  const claims = { device: 'r1-01', deviceUID: 'd-1', operationId: 'o-1', boot: 2 };
  const key = mediaKey(secret, claims);
  assert.equal(parseMediaPath(`/media/v1/52-54-00-00-00-01/${key}.iso`), { macAddress: BOOT.macAddress, key });
  assert.ok(isMediaKey(secret, claims, key));
  assert.not(isMediaKey(secret, { ...claims, boot: 3 }, key));
  assert.not(isMediaKey(randomBytes(32), claims, key));
  for (const path of ['/media/v1/../x.iso', `/media/v1/52-54-00-00-00-01/${key}`, '/media/v1/52-54-00-00-00-01/a.iso'])
    assert.is(parseMediaPath(path), undefined, path);
  for (const address of ['192.0.2.5/24 init=/bin/sh', '192.0.2.5;x', 'x{y}'])
    assert.throws(
      () => mediaArguments({ ...BOOT, network: { address } }),
      (error: Error) => error instanceof RangeError,
    );
  assert.throws(
    () => mediaArguments({ ...BOOT, token: 'x'.repeat(ARGUMENTS_BYTES) }),
    (error: Error) => error instanceof RangeError,
  );
});

test.run();
