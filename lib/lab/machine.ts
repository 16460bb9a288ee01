// A virtual server: QEMU without KVM, behind a power switch. Its BMC's chassis program throws the switch (chassis.ts).
//
// A boot override holds for one power-on, as IPMI's does. QEMU reads the order of devices at every reset: what the next
// boot shall be is set as soon as the one under way has its own, so that a system that restarts comes from its disk.
//
// Source: QEMU's manual, "Invocation" and "QEMU Machine Protocol".
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '../observe/log.ts';
import type { Network } from './namespace.ts';

export type Firmware = 'bios' | 'uefi';

export interface MachineOptions {
  readonly name: string;
  readonly serialNumber: string;
  readonly uuid: string;
  /** Lower case, colons. */
  readonly macAddress: string;
  readonly firmware: Firmware;
  readonly memoryMiB: number;
  /** Of each disk, in bytes. */
  readonly disks: readonly [number, ...number[]];
  readonly tap: string;
  /** For its disks and its firmware's variables. */
  readonly dir: string;
  readonly network: Network;
  /** Unix socket that the serial line is connected to. */
  readonly serialSocket: string;
  readonly log: Log;
}

export interface LabDisk {
  /** Holds its bytes. */
  readonly file: string;
  /** As the machine tells it. */
  readonly serialNumber: string;
}

/** What IPMI's boot override may ask for. */
export type BootOverride = 'pxe' | 'disk';

export interface Machine {
  readonly name: string;
  readonly serialNumber: string;
  readonly macAddress: string;
  readonly firmware: Firmware;
  /** The firmware boots from the first one. */
  readonly disks: readonly [LabDisk, ...LabDisk[]];
  isOn(): boolean;
  powerOn(): Promise<void>;
  /** At once, whatever the machine is doing. */
  powerOff(): Promise<void>;
  /** Hard: from the next boot's device. */
  reset(): Promise<void>;
  /** Asks the system to shut down. */
  pressPowerButton(): void;
  /** Whether its network cable is in. */
  plugIn(isIn: boolean): void;
  /** Of the next power-on or reset. */
  bootOverride: BootOverride | undefined;
  /** How often it was switched on. */
  readonly powerOns: number;
}

const UEFI_CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const UEFI_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd';
/** What the translated code may take: with less, a system's boot is translated more than once. */
const TRANSLATION_MIB = 256;

export async function makeMachine(options: MachineOptions): Promise<Machine> {
  const { name, serialNumber, macAddress, firmware, dir, network, log } = options;
  const disks = await Promise.all(options.disks.map((bytes, index) => makeDisk(dir, serialNumber, index, bytes)));
  const variables = join(dir, 'variables.fd');
  if (firmware === 'uefi') await copyFile(UEFI_VARIABLES, variables);

  let qemu: ChildProcess | undefined;
  let override: BootOverride | undefined;
  let powerOns = 0;

  const order = (id: string, property: number) =>
    command(qemu, 'qom-set', { path: `/machine/peripheral/${id}`, property: 'bootindex', value: property });

  async function powerOn(): Promise<void> {
    if (qemu) return;
    const fromNetwork = override === 'pxe';
    override = undefined;
    const args = qemuArguments(options, { disks, variables, fromNetwork });
    const started = spawn(...network.inside('qemu-system-x86_64', args), { stdio: ['pipe', 'pipe', 'pipe'] });
    qemu = started;
    started.on('exit', () => {
      if (qemu === started) qemu = undefined;
      log.debug({ machine: name }, 'the machine is off');
    });
    // Orders to a machine that goes off meanwhile are lost with it.
    started.stdin.on('error', (error) => log.debug({ machine: name, err: error }, 'QEMU takes no orders'));
    for (const stream of [started.stdout, started.stderr])
      createInterface({ input: stream }).on('line', (line) => log.debug({ machine: name, line }, 'QEMU'));
    await once(started, 'spawn');
    powerOns++;
    log.debug({ machine: name, fromNetwork }, 'the machine is on');
    command(started, 'qmp_capabilities');
    if (fromNetwork) {
      // No two devices may have the same place at any time.
      order('nic0', -1);
      order('disk0', 1);
      order('nic0', 2);
    }
  }

  async function powerOff(): Promise<void> {
    const running = qemu;
    if (!running) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  return {
    name,
    serialNumber,
    macAddress,
    firmware,
    disks: disks as [LabDisk, ...LabDisk[]],
    isOn: () => qemu !== undefined,
    powerOn,
    powerOff,
    async reset() {
      if (override === undefined) return command(qemu, 'system_reset');
      await powerOff();
      await powerOn();
    },
    pressPowerButton: () => command(qemu, 'system_powerdown'),
    plugIn: (isIn) => command(qemu, 'set_link', { name: 'nic0', up: isIn }),
    get bootOverride() {
      return override;
    },
    set bootOverride(device) {
      override = device;
    },
    get powerOns() {
      return powerOns;
    },
  };
}

async function makeDisk(dir: string, serialNumber: string, index: number, bytes: number): Promise<LabDisk> {
  const disk = { file: join(dir, `disk-${index}.img`), serialNumber: `${serialNumber}-D${index}` };
  const file = await open(disk.file, 'w');
  await file.truncate(bytes);
  await file.close();
  return disk;
}

/** An order over QMP; QEMU takes them in turn, and says in the log what it thinks of each. */
function command(qemu: ChildProcess | undefined, execute: string, args?: object): void {
  qemu?.stdin?.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`);
}

function qemuArguments(
  { name, serialNumber, uuid, macAddress, firmware, memoryMiB, tap, serialSocket }: MachineOptions,
  boot: { disks: readonly LabDisk[]; variables: string; fromNetwork: boolean },
): string[] {
  const [nic, disk] = boot.fromNetwork ? [1, 2] : [2, 1];
  // OVMF has a driver and a network boot of its own, which load iPXE over TFTP as servers do; SeaBIOS needs iPXE's ROM.
  const rom = firmware === 'uefi' ? ',romfile=' : '';
  const uefi = [
    ['-drive', `if=pflash,format=raw,readonly=on,file=${UEFI_CODE}`],
    ['-drive', `if=pflash,format=raw,file=${boot.variables}`],
  ];
  return [
    ['-name', name],
    ['-uuid', uuid],
    ['-machine', `${firmware === 'uefi' ? 'q35' : 'pc'},graphics=off`],
    ['-accel', `tcg,tb-size=${TRANSLATION_MIB}`],
    ['-m', String(memoryMiB)],
    ['-nodefaults', '-no-user-config'],
    ['-display', 'none'],
    // Firmware that finds nothing to boot tries again.
    ['-boot', 'reboot-timeout=5000'],
    ['-smbios', `type=1,manufacturer=QEMU,product=Virtual server,serial=${serialNumber}`],
    ['-qmp', 'stdio'],
    ['-chardev', `socket,id=serial0,path=${serialSocket}`],
    ['-serial', 'chardev:serial0'],
    ['-netdev', `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    ['-device', `virtio-net-pci,id=nic0,netdev=net0,mac=${macAddress},bootindex=${nic}${rom}`],
    ...boot.disks.flatMap(({ file, serialNumber }, index) => [
      ['-drive', `if=none,id=drive${index},file=${file},format=raw,cache=unsafe,discard=unmap`],
      [
        '-device',
        `virtio-blk-pci,id=disk${index},drive=drive${index},serial=${serialNumber}${index === 0 ? `,bootindex=${disk}` : ''}`,
      ],
    ]),
    ['-device', 'virtio-rng-pci'],
    ...(firmware === 'uefi' ? uefi : []),
  ].flat();
}
