// What GRUB is told, and where its pieces find each other, for the systems that come as a tar.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bootSector, coreAt, firstConfiguration, kernelIn, systemConfiguration } from './grub.ts';

const debian = [
  'config-6.1.0-9',
  'grub',
  'initrd.img-6.1.0-9',
  'initrd.img-6.1.0-10',
  'vmlinuz-6.1.0-9',
  'vmlinuz-6.1.0-10',
];

test('a kernel is known by the links that the system keeps, else the newest with its initramfs', () => {
  const root = ['boot', 'etc', 'vmlinuz', 'initrd.img'];
  assert.equal(kernelIn(debian, root, false), { kernel: '/vmlinuz', initrd: '/initrd.img' });
  assert.equal(kernelIn([...debian, 'vmlinuz', 'initrd.img'], root, false), {
    kernel: '/boot/vmlinuz',
    initrd: '/boot/initrd.img',
  });
  const newest = { kernel: '/boot/vmlinuz-6.1.0-10', initrd: '/boot/initrd.img-6.1.0-10' };
  assert.equal(kernelIn(debian, ['boot', 'vmlinuz'], false), newest, 'a kernel without its initramfs is no pair');
  const fedora = ['initramfs-6.9.1.img', 'initramfs-0-rescue-ab.img', 'vmlinuz-0-rescue-ab', 'vmlinuz-6.9.1'];
  assert.equal(kernelIn(fedora, [], false), { kernel: '/boot/vmlinuz-6.9.1', initrd: '/boot/initramfs-6.9.1.img' });
  assert.equal(kernelIn(['vmlinuz-5.14'], [], false), { kernel: '/boot/vmlinuz-5.14' });
  assert.is(kernelIn(['vmlinuz-0-rescue-ab'], ['boot'], false), undefined);
});

test('a /boot of its own is where GRUB looks, and links in / lead nowhere for it', () => {
  const found = kernelIn(debian, ['vmlinuz', 'initrd.img'], true);
  assert.equal(found, { kernel: '/vmlinuz-6.1.0-10', initrd: '/initrd.img-6.1.0-10' });
});

test('one configuration leads to the other, which boots', () => {
  const [boot, root] = ['11111111-2222-8333-a444-555555555555', '21111111-2222-8333-a444-555555555555'];
  assert.is(
    firstConfiguration(boot, '/boot'),
    `search --no-floppy --fs-uuid --set=root ${boot}\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n`,
  );
  const kernel = { kernel: '/vmlinuz', initrd: '/initrd.img' };
  assert.is(
    systemConfiguration(kernel, root, 'quiet'),
    `set timeout=0\nlinux /vmlinuz root=PARTUUID=${root} ro quiet\ninitrd /initrd.img\nboot\n`,
  );
  assert.match(systemConfiguration({ kernel: '/vmlinuz' }, root, ''), /ro\nboot\n$/);
});

test('the boot sector leads to the core, and that to the rest of itself; all else stays', () => {
  const start = 2 ** 20;
  const core = coreAt(Buffer.alloc(1300, 7), start);
  assert.is(core.length, 1536);
  assert.equal([core.readBigUInt64LE(500), core.readUInt16LE(508), core.readUInt16LE(510)], [2049n, 2, 0x820]);
  const sector = bootSector(Buffer.alloc(512, 0xee), Buffer.alloc(512, 0x90), start);
  assert.is(sector.readBigUInt64LE(0x5c), 2048n);
  assert.equal([sector[0], sector[439], sector[440], sector[511]], [0x90, 0x90, 0xee, 0xee]);
});

test.run();
