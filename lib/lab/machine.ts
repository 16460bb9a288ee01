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
  readonly diskBytes: number;
  readonly tap: string;
  /** For its disk and its firmware's variables. */
  readonly dir: string;
  readonly network: Network;
  /** Unix socket that the serial line is connected to. */
  readonly serialSocket: string;
  readonly log: Log;
}

/** What IPMI's boot override may ask for. */
export type BootOverride = 'pxe' | 'disk';

export interface Machine {
  readonly name: string;
  readonly serialNumber: string;
  readonly macAddress: string;
  readonly firmware: Firmware;
  /** File with the disk's bytes. */
  readonly disk: string;
  /** As the machine tells it. */
  readonly diskSerialNumber: string;
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
  const { name, serialNumber, macAddress, firmware, diskBytes, dir, network, log } = options;
  const disk = join(dir, 'disk.img');
  const file = await open(disk, 'w');
  await file.truncate(diskBytes);
  await file.close();
  const variables = join(dir, 'variables.fd');
  if (firmware === 'uefi') await copyFile(UEFI_VARIABLES, variables);
  const diskSerialNumber = `${serialNumber}-D0`;

  let qemu: ChildProcess | undefined;
  let override: BootOverride | undefined;
  let powerOns = 0;

  const order = (id: string, property: number) =>
    command(qemu, 'qom-set', { path: `/machine/peripheral/${id}`, property: 'bootindex', value: property });

  async function powerOn(): Promise<void> {
    if (qemu) return;
    const fromNetwork = override === 'pxe';
    override = undefined;
    const args = qemuArguments(options, { disk, variables, diskSerialNumber, fromNetwork });
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
    disk,
    diskSerialNumber,
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

/** An order over QMP; QEMU takes them in turn, and says in the log what it thinks of each. */
function command(qemu: ChildProcess | undefined, execute: string, args?: object): void {
  qemu?.stdin?.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`);
}

function qemuArguments(
  { name, serialNumber, uuid, macAddress, firmware, memoryMiB, tap, serialSocket }: MachineOptions,
  boot: { disk: string; variables: string; diskSerialNumber: string; fromNetwork: boolean },
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
    ['-drive', `if=none,id=drive0,file=${boot.disk},format=raw,cache=unsafe,discard=unmap`],
    ['-device', `virtio-blk-pci,id=disk0,drive=drive0,serial=${boot.diskSerialNumber},bootindex=${disk}`],
    ['-device', 'virtio-rng-pci'],
    ...(firmware === 'uefi' ? uefi : []),
  ].flat();
}
