import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fstabWith, guidOf, layOut } from './partitions.ts';

const MIB = 1024 * 1024;

test('partitions follow each other, one takes what the others leave, and both ends stay free', () => {
  const places = layOut(
    [
      { id: 'a', fileSystem: 'swap', sizeBytes: 64 * MIB - 1 },
      { id: 'b', fileSystem: 'xfs' },
    ],
    1024 * MIB + 512,
  );
  assert.equal(
    places.map(({ id, startBytes, sizeBytes }) => [id, startBytes / MIB, sizeBytes / MIB]),
    [
      ['a', 1, 64],
      ['b', 65, 950],
    ],
  );
});

test('what does not fit is told, with what is left', () => {
  const wishes = [{ id: 'a', fileSystem: 'ext4' as const, sizeBytes: 600 * MIB }];
  assert.throws(() => layOut(wishes, 512 * MIB), /partitions of 629145600 bytes do not fit into 526385152 bytes/);
  const full = [
    { id: 'a', fileSystem: 'ext4' as const, sizeBytes: 502 * MIB },
    { id: 'b', fileSystem: 'xfs' as const },
  ];
  assert.throws(
    () => layOut(full, 512 * MIB),
    /partitions of 526385152 bytes, and the rest, do not fit into 526385152 bytes/,
  );
});

test('a GUID is the same for the same, and of the form that firmware knows', () => {
  assert.is(guidOf('x'), guidOf('x'));
  assert.is.not(guidOf('x'), guidOf('y'));
  assert.match(guidOf('x'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('mounts stand in fstab once, and what else is there stays', () => {
  const own = 'UUID=1 / ext4 defaults 0 1';
  const first = fstabWith(own, [{ id: 'a', fileSystem: 'xfs', mountPoint: '/srv' }]);
  assert.match(first, `${own}\n#`);
  assert.match(first, 'PARTUUID=a /srv xfs defaults,nofail 0 0\n');
  const second = fstabWith(`${first}# mine\n`, [{ id: 'b', fileSystem: 'swap' }]);
  assert.match(second, 'PARTUUID=b none swap sw,nofail 0 0\n');
  assert.not.match(second, 'PARTUUID=a');
  assert.match(second, '# mine\n');
  assert.is(fstabWith(second, []), `${own}\n# mine\n`);
});

test.run();
