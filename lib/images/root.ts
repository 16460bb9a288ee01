// The root file system of a small Debian for trying things out: cloud-init, sshd, and what a machine needs to start.
//
// Made by mmdebstrap from Debian's packages, whose signatures apt checks.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { run } from '../agent/linux/command.ts';

export interface RootOptions {
  readonly suite: string;
  /** Where its packages are; Debian's own place, unless given. */
  readonly mirror?: string | undefined;
}

/** Of Debian, unless another one is asked for. */
export const SUITE = 'bookworm';
export const ROOT_LABEL = 'root';
/** Of its kernel, beside where its root is. */
export const KERNEL_ARGUMENTS = 'net.ifnames=0 quiet console=tty0 console=ttyS0,115200';

const PACKAGES = [
  'systemd-sysv',
  'udev',
  'dbus',
  'iproute2',
  'openssh-server',
  'cloud-init',
  'cloud-guest-utils',
  'e2fsprogs',
  'fdisk',
  'initramfs-tools',
  'linux-image-cloud-amd64',
  'mdadm',
  'zstd',
  'sudo',
];

/** Of no use to a small virtual machine that nobody sits at, which pays for every byte: each is hashed twice as it is installed. */
const LEFT_OUT = [
  '/usr/share/man/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
  '/usr/share/i18n/*',
  '/usr/lib/*/gconv/*',
  '/lib/udev/hwdb.d/*',
  ...words('arch/x86/kvm drivers/comedi drivers/infiniband drivers/net/ethernet drivers/target fs/ceph fs/nfs').map(
    module,
  ),
  ...words('fs/nfsd fs/smb net/openvswitch net/rds net/sctp net/smc net/sunrpc net/tipc').map(module),
];

function module(path: string): string {
  return `/lib/modules/*/kernel/${path}/*`;
}

/** All that its initramfs must know: disks of virtual machines, and mirrors of them. The rest is loaded from the root file system. */
const BOOT_MODULES = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sd_mod', 'nvme', 'raid1', 'ext4'];

function words(text: string): string[] {
  return text.split(' ');
}

/**
 * Without what takes long and has nothing to do here: other data sources and host keys, apt's configuration, locales, a
 * boot loader that Debian would look after. A disk that a system is on does not grow from boot to boot. The modules of the
 * stage config run at the beginning of final: Python takes longer to start than all of them.
 */
const CLOUD_INIT = {
  datasource_list: ['NoCloud'],
  ssh_genkeytypes: ['ed25519'],
  cloud_init_modules: [
    ...words('bootcmd write_files'),
    ...words('growpart resizefs').map((name) => [name, 'once-per-instance']),
    ...words('set_hostname update_hostname update_etc_hosts users_groups ssh'),
  ],
  cloud_config_modules: [],
  cloud_final_modules: [
    ...words('set_passwords ntp timezone runcmd package_update_upgrade_install'),
    // What the seed's vendor data installs is found by the module behind it.
    ...words('scripts_vendor scripts_per_once scripts_per_boot scripts_per_instance scripts_user'),
    ...words('phone_home final_message power_state_change'),
  ],
};

/** What differs from the packages as they come. */
function files(): Readonly<Record<string, string>> {
  return {
    'etc/fstab': `LABEL=${ROOT_LABEL} / ext4 rw,noatime 0 1\n`,
    'etc/hostname': 'localhost\n',
    // systemd makes one at the first boot, another one on every machine.
    'etc/machine-id': '',
    'etc/ssh/sshd_config.d/image.conf': 'UseDNS no\n',
    'etc/cloud/cloud.cfg.d/90-image.cfg': dump(CLOUD_INIT),
    // Debian keeps these two links on its newest kernel.
    'boot/grub/grub.cfg': [
      'set timeout=0',
      `search --no-floppy --label --set=root ${ROOT_LABEL}`,
      `linux /vmlinuz root=LABEL=${ROOT_LABEL} ro ${KERNEL_ARGUMENTS}`,
      'initrd /initrd.img',
      'boot',
      '',
    ].join('\n'),
  };
}

/** Before any package is there: what makes the initramfs goes by it. */
const INITRAMFS = [
  'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"',
  'echo MODULES=list >"$1/etc/initramfs-tools/conf.d/image"',
  `printf '%s\\n' ${BOOT_MODULES.join(' ')} >"$1/usr/share/initramfs-tools/modules.d/image"`,
].join(' && ');

/** What would find work on a machine that was only just installed, and what finds none on any such machine. */
const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'cloud-config.service',
  'cloud-init-hotplugd.socket',
  'mdcheck_continue.timer',
  'mdcheck_start.timer',
  'mdmonitor.service',
  'mdmonitor-oneshot.timer',
  'systemd-binfmt.service',
  'systemd-pstore.service',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
];

/** Needs root. @throws CommandError with what mmdebstrap said */
export async function makeRoot(folder: string, { suite, mirror }: RootOptions): Promise<void> {
  await run('mmdebstrap', [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    '--components=main',
    `--include=${PACKAGES.join(',')}`,
    ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`),
    // Else a package makes /usr what it is, which brings all of Perl.
    '--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr',
    `--setup-hook=${INITRAMFS}`,
    // A folder whose making was cut short is thrown away.
    '--dpkgopt=force-unsafe-io',
    suite,
    folder,
    ...(mirror === undefined ? [] : [mirror]),
  ]);
  for (const [path, content] of Object.entries(files())) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await run('systemctl', [`--root=${folder}`, 'enable', 'systemd-networkd.service']);
  await run('systemctl', [`--root=${folder}`, 'mask', ...MASKED]);
  // Each machine makes its own.
  await run('sh', ['-c', 'rm -f "$1"/etc/ssh/ssh_host_*', 'sh', folder]);
  await rm(join(folder, 'etc/resolv.conf'), { force: true });
  await rm(join(folder, 'var/cache/apt'), { recursive: true, force: true });
}
