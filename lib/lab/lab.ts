// A virtual hardware lab: QEMU machines with ipmi_sim as their BMCs, on a network of their own with DHCP. An operator
// outside needs no rights for it: BMCs answer on the loopback interface, and doors lead machines to it.
//
// A lab has a folder and a namespace under its name, and its folder says whose they are: what a lab left behind that was
// killed is removed by the next one of any name.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, run } from '../agent/linux/command.ts';
import { openDriver } from '../bmc/open.ts';
import { startDhcpServer } from '../boot/dhcp/server.ts';
import { localDhcp } from '../boot/dhcp/service.ts';
import { offerDhcp } from '../boot/dhcp/socket.ts';
import type { Log } from '../observe/log.ts';
import { startBmc } from './bmc.ts';
import { startChassisServer } from './chassis.ts';
import { openDoor } from './door.ts';
import { type Firmware, type Machine, makeMachine } from './machine.ts';
import { makeNetwork, type Network, networksNamed, removeNetwork } from './namespace.ts';
import { openSerialLine } from './serial-line.ts';

export interface MachineSpec {
  readonly firmware: Firmware;
  readonly memoryMiB: number;
  /** Of each disk, in bytes. */
  readonly disks: readonly [number, ...number[]];
  /** UDP port of 127.0.0.1. */
  readonly bmcPort: number;
}

export interface LabOptions {
  /** Small letters, digits and dashes. */
  readonly name: string;
  readonly machines: readonly MachineSpec[];
  /** Where the operator's two ports are outside, and by which ports machines shall find it. */
  readonly operator: { readonly port: number; readonly bootPort: number };
  /**
   * Who says whom DHCP answers: `all` machines, always; or the `operator`, over a socket, for as long as a step of its wants a
   * machine to boot from the network. Default: all.
   */
  readonly dhcp?: 'all' | 'operator';
  /** Further ports of LAB_ADDRESS, each with the port of 127.0.0.1 that it leads to. */
  readonly doors?: Readonly<Record<number, number>>;
  readonly log: Log;
}

export interface LabMachine extends Machine {
  /** ipmi://… */
  readonly bmcAddress: string;
  /** That DHCP gives it, where it answers all. */
  readonly address: string;
  /** All that it said on its serial line. */
  readonly consoleLog: string;
}

export interface Lab {
  readonly machines: readonly LabMachine[];
  readonly credentials: { readonly username: string; readonly password: string };
  readonly network: Network;
  readonly dir: string;
  /** Where the operator says whom DHCP answers, if that is for it to say: `--dhcp-socket`. */
  readonly dhcpSocket: string | undefined;
  /** Until it is called again with true, nobody is given an address. */
  serveDhcp(serve: boolean): Promise<void>;
  /** Throws everything away. */
  close(): Promise<void>;
}

/** Of the operator's doors, as machines see it. */
export const LAB_ADDRESS = '10.77.0.1';
const SUBNET = '10.77.0.0/24';
/** The Site's network where the operator has DHCP: addresses of live OSes, and of installed systems. */
export const LAB_NETWORK = {
  name: 'lan',
  subnet: SUBNET,
  range: { start: '10.77.0.128', end: '10.77.0.250' },
  boot: { range: { start: '10.77.0.64', end: '10.77.0.127' } },
} as const;
const IPV6_PREFIX = 'fd77::';
export const MOST_MACHINES = 64;
/** iPXE, from Debian's package of that name. */
const TFTP_ROOT = '/usr/lib/ipxe';
const NAMESPACE = (name: string) => `bmp-${name}`;
export const LAB_DIRECTORY = '/run/bmp-labs';
/** Where the operator says whom DHCP answers, if that is for it to say. */
export const dhcpSocketOf = (name: string): string => join(LAB_DIRECTORY, name, 'dhcp.sock');
/** ipmi_sim is slow to answer on a busy machine. */
const BMC_READY_MS = 60_000;

/** Programs that a lab needs, and files, with the Debian packages that bring them. */
export const LAB_PROGRAMS = [
  ['ip', 'iproute2'],
  ['setpriv', 'util-linux'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['ipmi_sim', 'openipmi'],
  ['dnsmasq', 'dnsmasq-base'],
] as const;
const LAB_FILES = [
  [`${TFTP_ROOT}/snponly.efi`, 'ipxe'],
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', 'ovmf'],
  ['/usr/share/seabios/bios-256k.bin', 'seabios'],
  ['/usr/lib/ipxe/qemu/efi-virtio.rom', 'ipxe-qemu'],
] as const;

/** The Debian packages of what is not installed. */
export async function missingPrograms(): Promise<string[]> {
  const found = async (what: string) => {
    try {
      await run('sh', ['-c', 'command -v "$1" || test -e "$1"', 'sh', what]);
      return true;
    } catch (error) {
      if (error instanceof CommandError) return false;
      throw error;
    }
  };
  const all = [...LAB_PROGRAMS, ...LAB_FILES];
  const there = await Promise.all(all.map(([what]) => found(what)));
  return all.filter((_, index) => !there[index]).map(([, debianPackage]) => debianPackage);
}

/** @throws CommandError without the rights for it, Error where a lab of that name is up. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { name, machines: specs, operator, log } = options;
  await removeLeftovers(log);
  const dir = join(LAB_DIRECTORY, name);
  await mkdir(LAB_DIRECTORY, { recursive: true, mode: 0o755 });
  await mkdir(dir, { mode: 0o755 });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, OWNER), JSON.stringify(await identityOf(process.pid)));

  const addresses = [`${LAB_ADDRESS}/24`, `${IPV6_PREFIX}1/64`];
  const network = await makeNetwork({ name: NAMESPACE(name), addresses, taps: specs.length });
  stack.defer(() => network.remove());
  const doors = { [operator.port]: operator.port, [operator.bootPort]: operator.bootPort, ...options.doors };
  for (const [inside, outside] of Object.entries(doors)) {
    const door = openDoor(await network.listen(LAB_ADDRESS, Number(inside)), { host: '127.0.0.1', port: outside });
    stack.defer(() => door.close());
  }

  const hosts = specs.map((_spec, index) => ({ macAddress: macOf(index), address: addressOf(index) }));
  const dhcpDir = join(dir, 'dhcp');
  await mkdir(dhcpDir, { mode: 0o755 });
  const dhcpSocket = options.dhcp === 'operator' ? dhcpSocketOf(name) : undefined;
  const serve = async (): Promise<{ close(): Promise<void> }> => {
    const [program, args] = network.inside('dnsmasq', []);
    const common = {
      dir: dhcpDir,
      command: [program, ...args] as const,
      interfaces: [network.bridge],
      announcedPrefix: IPV6_PREFIX,
      tftpRoot: TFTP_ROOT,
      log,
    };
    if (dhcpSocket !== undefined) {
      const service = localDhcp(common);
      const offered = await offerDhcp(service, dhcpSocket, log);
      return { close: () => offered.close().then(() => service.close()) };
    }
    const bootUrl = `http://${LAB_ADDRESS}:${operator.bootPort}`;
    const server = await startDhcpServer({ ...common, networks: [{ subnet: SUBNET }], bootUrl });
    for (const host of hosts) await server.addHost(host, AbortSignal.timeout(BMC_READY_MS));
    return server;
  };
  let dhcp: { close(): Promise<void> } | undefined = await serve();
  stack.defer(() => dhcp?.close());

  const credentials = { username: 'admin', password: randomBytes(8).toString('hex') };
  const chassis = await startChassisServer(log);
  stack.defer(() => chassis.close());
  const machines: LabMachine[] = [];
  for (const [index, spec] of specs.entries()) machines.push(await addMachine(index, spec));
  await Promise.all(machines.map(({ bmcAddress }) => answering(bmcAddress)));

  async function addMachine(index: number, spec: MachineSpec): Promise<LabMachine> {
    const machineName = `${name}-${index + 1}`;
    const home = join(dir, `machine-${index + 1}`);
    await mkdir(home, { mode: 0o700 });
    const consoleLog = join(home, 'console.log');
    const serialSocket = join(home, 'serial');
    const serial = await openSerialLine(serialSocket, consoleLog);
    stack.defer(() => serial.close());
    const serialNumber = `LAB${String(index + 1).padStart(4, '0')}`;
    const tap = `tap${index + 1}`;
    const macAddress = macOf(index);
    const uuid = randomUUID();
    const machine = await makeMachine({
      ...spec,
      uuid,
      name: machineName,
      serialNumber,
      macAddress,
      tap,
      dir: home,
      network,
      serialSocket,
      log,
    });
    stack.defer(() => machine.powerOff());
    const chassisProgram = join(home, 'chassis');
    await chassis.writeProgram(chassisProgram, machine);
    const bmcDir = join(home, 'bmc');
    await mkdir(bmcDir);
    const bmc = await startBmc({
      name: machineName,
      port: spec.bmcPort,
      credentials,
      serialNumber,
      guid: uuid.replaceAll('-', ''),
      chassisProgram,
      serialPort: serial.port,
      dir: bmcDir,
      log,
    });
    stack.defer(() => bmc.close());
    const more = { bmcAddress: `ipmi://127.0.0.1:${spec.bmcPort}`, address: addressOf(index), consoleLog };
    // The machine's own getters stay what they are.
    return Object.defineProperties(more, Object.getOwnPropertyDescriptors(machine)) as LabMachine;
  }

  async function answering(address: string): Promise<void> {
    const driver = openDriver({ address, credentials }, { ipmi: { schedule: Array.from({ length: 60 }, () => 1000) } });
    try {
      await driver.power(AbortSignal.timeout(BMC_READY_MS));
    } finally {
      await driver.close();
    }
  }

  const whole = stack.move();
  return {
    machines,
    credentials,
    network,
    dir,
    dhcpSocket,
    async serveDhcp(wanted) {
      if (wanted) dhcp ??= await serve();
      else {
        await dhcp?.close();
        dhcp = undefined;
      }
    },
    close: () => whole.disposeAsync(),
  };
}

const macOf = (index: number) => `52:54:00:77:00:${(index + 1).toString(16).padStart(2, '0')}`;
const addressOf = (index: number) => SUBNET.replace(/0\/24$/, String(index + 11));

const OWNER = 'owner.json';

interface Identity {
  readonly pid: number;
  /** In clock ticks since the machine's own start: a process id is used again in time. proc(5), field 22 of stat */
  readonly since: string;
}

/** @throws ENOENT where there is no such process. */
async function identityOf(pid: number): Promise<Identity> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  return { pid, since: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]! };
}

/** Removes what labs left that were killed. @throws where one cannot be told to be dead. */
export async function removeLeftovers(log: Log): Promise<void> {
  const names = await missingAs<string[]>(readdir(LAB_DIRECTORY), []);
  const networks = new Set(await networksNamed(NAMESPACE('')));
  for (const name of names) {
    const dir = join(LAB_DIRECTORY, name);
    const text = await missingAs(readFile(join(dir, OWNER), 'utf8'), undefined);
    const owner = text === undefined ? undefined : (JSON.parse(text) as Identity);
    const living = owner && (await missingAs(identityOf(owner.pid), undefined));
    if (owner && living?.since === owner.since) continue;
    if (networks.has(NAMESPACE(name))) await removeNetwork(NAMESPACE(name));
    await rm(dir, { recursive: true });
    log.info({ lab: name }, 'what an earlier lab left was removed');
  }
}

async function missingAs<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
