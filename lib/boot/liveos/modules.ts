// Which kernel modules go into the live OS: the ones that machines need before the agent can work, and what these need.

/** Paths below the kernel's module folder, or beginnings of them. */
export const MODULES = {
  /** Virtual machines. */
  small: [
    'drivers/virtio/',
    'drivers/net/virtio_net.ko',
    'drivers/block/virtio_blk.ko',
    'drivers/scsi/virtio_scsi.ko',
    'drivers/scsi/sd_mod.ko',
    'drivers/char/hw_random/virtio-rng.ko',
    'drivers/md/md-mod.ko',
    'drivers/md/raid0.ko',
    'drivers/md/raid1.ko',
    'drivers/md/raid10.ko',
    'drivers/md/raid456.ko',
    'fs/fat/',
    'fs/nls/',
    'fs/xfs/',
    'fs/btrfs/',
  ],
  /** Hardware: every disk controller, network card and BMC interface that Debian has a driver for. */
  full: [
    'drivers/ata/',
    'drivers/block/',
    'drivers/char/hw_random/',
    'drivers/char/ipmi/',
    'drivers/hid/',
    'drivers/md/',
    'drivers/message/',
    'drivers/net/ethernet/',
    'drivers/net/virtio_net.ko',
    'drivers/nvme/host/',
    'drivers/scsi/',
    'drivers/usb/host/',
    'drivers/usb/storage/',
    'drivers/virtio/',
    'fs/btrfs/',
    'fs/fat/',
    'fs/nls/',
    'fs/xfs/',
  ],
} as const;

/**
 * The chosen modules with all that they depend on, sorted.
 *
 * @param modulesDep depmod's modules.dep: "kernel/a.ko: kernel/b.ko kernel/c.ko", all of a module's needs on its line
 */
export function withDependencies(modulesDep: string, chosen: readonly string[]): string[] {
  const needs = new Map(
    modulesDep
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [module = '', rest = ''] = line.split(':');
        return [module, rest.split(' ').filter(Boolean)] as const;
      }),
  );
  const wanted = [...needs.keys()].filter((module) => chosen.some((part) => module.startsWith(`kernel/${part}`)));
  const all = new Set<string>();
  const add = (module: string) => {
    if (all.has(module)) return;
    all.add(module);
    for (const need of needs.get(module) ?? []) add(need);
  };
  for (const module of wanted) add(module);
  return [...all].sort();
}
