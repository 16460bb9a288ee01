// A machine's BMC: OpenIPMI's ipmi_sim, a simulator that others wrote, on UDP of the loopback interface.
//
// Source: ipmi_sim(1), ipmi_lan(5), ipmi_sim_cmd(5).
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encodeFru } from '../bmc/ipmi/wire/fru.ts';
import type { Log } from '../observe/log.ts';

export interface BmcOptions {
  readonly name: string;
  /** UDP port of 127.0.0.1. */
  readonly port: number;
  /** At most 16 characters each, without blanks or quotes. */
  readonly credentials: { readonly username: string; readonly password: string };
  readonly serialNumber: string;
  /** The machine's UUID: 32 hex digits. */
  readonly guid: string;
  /** See chassis.ts. */
  readonly chassisProgram: string;
  readonly serialPort: number;
  /** Its own, and nobody else's: its configuration holds the password. */
  readonly dir: string;
  readonly log: Log;
}

export interface Bmc {
  readonly port: number;
  close(): Promise<void>;
}

/** ipmi_sim offers IPMI 2.0 sessions only where there is a first, nameless user too. */
const lanConfiguration = ({ port, credentials, chassisProgram, serialPort, guid }: BmcOptions) => `name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid ${guid}
  endlan
  chassis_control "${chassisProgram}"
  sol "tcp:127.0.0.1:${serialPort}" 115200 history=4000
  startnow false
  user 1 true "" "${randomBytes(8).toString('hex')}" user 10 none md2 md5 straight
  user 2 true "${credentials.username}" "${credentials.password}" admin 10 none md2 md5 straight
`;

function emulation({ name, serialNumber }: BmcOptions): string {
  const fru = encodeFru({
    product: {
      manufacturer: 'QEMU',
      name: 'Virtual server',
      partNumber: 'VS-1',
      version: '1',
      serialNumber,
      assetTag: name,
    },
  });
  const bytes = Array.from(fru, (byte) => `0x${byte.toString(16)}`).join(' ');
  return `mc_setbmc 0x20
mc_add 0x20 0x20 no-device-sdrs 0x01 2 0x33 0x9f 0x1291 0x0f02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_add_fru_data 0x20 0 ${fru.length} data ${bytes}
mc_enable 0x20
`;
}

/** Resolves when it was started; it answers a moment later. */
export async function startBmc(options: BmcOptions): Promise<Bmc> {
  const { dir, log, name, port } = options;
  await mkdir(join(dir, 'state/ipmi_sim/bmc'), { recursive: true });
  await writeFile(join(dir, 'lan.conf'), lanConfiguration(options), { mode: 0o600 });
  await writeFile(join(dir, 'sim.emu'), emulation(options));
  const simulator: ChildProcess = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'ipmi_sim', '-n', '-c', 'lan.conf', '-f', 'sim.emu', '-s', 'state'],
    { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  createInterface({ input: simulator.stderr! }).on('line', (line) => log.debug({ bmc: name, line }, 'ipmi_sim'));
  let closing = false;
  const ended = once(simulator, 'exit').then(([code]) => {
    if (!closing) log.error({ bmc: name, code }, 'ipmi_sim ended by itself');
  });
  await once(simulator, 'spawn');
  return {
    port,
    async close() {
      closing = true;
      simulator.kill('SIGKILL');
      await ended;
    },
  };
}
