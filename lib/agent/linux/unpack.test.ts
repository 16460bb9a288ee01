// GNU tar under the agent: what it is given to the end, and how it ends when it cannot go on.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../../testing/eventually.ts';
import { peerTest } from '../../testing/peers.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { AgentError } from '../errors.ts';
import { TAR_END, tarEntry } from '../tar-entry.ts';
import { digestsIn, unpackInto } from './unpack.ts';

const withTar = peerTest('tar', 'tar');
const never = new AbortController().signal;

async function* pieces(bytes: Buffer, taken: (bytes: number) => void = () => undefined): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    const piece = bytes.subarray(at, at + 65_536);
    taken(piece.length);
    yield piece;
  }
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it succeeded'),
    (error: Error) => error,
  );

withTar('what stands behind the end of an archive is taken, too: its digest is of all of it', async () => {
  await using dir = await tempDir();
  const archive = Buffer.concat([tarEntry('a/b', Buffer.alloc(300_000, 7)), TAR_END, Buffer.alloc(5_000_000)]);
  let bytes = 0;
  await unpackInto(
    dir.path,
    pieces(archive, (count) => (bytes += count)),
    never,
  );
  assert.is(bytes, archive.length);
  const told: string[] = [];
  await digestsIn(dir.path, ['a/b', 'a', 'none'], (path, digest) => told.push(`${path} ${digest?.length}`), never);
  assert.equal(told, ['a/b 64', 'a undefined', 'none undefined']);
});

withTar('an archive whose last piece comes when tar has ended long ago is unpacked all the same', async () => {
  await using dir = await tempDir();
  const isUnderWay = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim() !== '';
  async function* late() {
    yield Buffer.concat([tarEntry('a', Buffer.alloc(1000, 7)), TAR_END, Buffer.alloc(20_480)]);
    await eventually(() => !isUnderWay(), { what: 'tar to end' });
    // Nothing at all, or what nobody takes any more.
    if (isFollowed) yield Buffer.alloc(512);
  }
  let isFollowed = false;
  await unpackInto(dir.path, late(), never);
  isFollowed = true;
  await unpackInto(dir.path, late(), never);
});

withTar('what is no tar is told as such, and a source that fails by its own error', async () => {
  await using dir = await tempDir();
  const junk = await failure(unpackInto(dir.path, pieces(Buffer.alloc(200_000, 'junk')), never));
  assert.is((junk as AgentError).code, 'UnsupportedImage');
  async function* broken() {
    yield tarEntry('c', Buffer.alloc(1000)).subarray(0, 600);
    throw new AgentError('ImageUnavailable', 'the connection broke');
  }
  assert.is(((await failure(unpackInto(dir.path, broken(), never))) as AgentError).code, 'ImageUnavailable');
});

withTar('one that is stopped ends with its signal’s reason', async () => {
  await using dir = await tempDir();
  const stop = new AbortController();
  async function* endless() {
    for (let count = 0; ; count++) {
      if (count === 50) stop.abort(new Error('stopped'));
      yield tarEntry(`file-${count}`, Buffer.alloc(100_000));
    }
  }
  assert.is((await failure(unpackInto(dir.path, endless(), stop.signal))).message, 'stopped');
});

test.run();
