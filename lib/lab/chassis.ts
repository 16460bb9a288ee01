// Between OpenIPMI's ipmi_sim and a machine's power switch. ipmi_sim runs a program for every question and order, and
// answers nobody meanwhile: so the program is a few lines of shell that pass its words on to here.
//
//   get power boot             → power:1 and boot:pxe, a line each
//   set power 1, set boot pxe, set reset 1, set shutdown 1, set identify 5
//
// Source: ipmi_lan(5), chassis_control; OpenIPMI's lanserv/OpenIPMI/serv.h.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Log } from '../observe/log.ts';
import type { Machine } from './machine.ts';

export interface ChassisServer {
  /** Writes the program of a machine's chassis. Nobody else may read it: it holds what opens this server. */
  writeProgram(file: string, machine: Machine): Promise<void>;
  close(): Promise<void>;
}

/** bash, since it connects without another program's help. */
const programText = (port: number, secret: string) => `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1
echo "${secret} $*" >&3
while read -r line <&3; do
  case $line in ok) exit 0 ;; *) echo "$line" ;; esac
done
exit 1
`;

export async function startChassisServer(log: Log): Promise<ChassisServer> {
  const machines = new Map<string, Machine>();
  const server = createServer((socket) => {
    // Whoever does not wait for the answer has his reasons.
    socket.on('error', () => socket.destroy());
    serve(socket).catch((error: unknown) => {
      log.error({ err: error }, 'a chassis order failed');
      socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function serve(socket: Socket): Promise<void> {
    const lines = createInterface({ input: socket });
    const [line] = (await once(lines, 'line')) as [string];
    const [secret = '', verb = '', ...words] = line.trim().split(/\s+/);
    const machine = machines.get(secret);
    if (!machine) return void socket.destroy();
    const answer = verb === 'get' ? words.map((what) => read(machine, what)) : await change(machine, words);
    socket.end([...answer, 'ok\n'].join('\n'));
  }

  return {
    async writeProgram(file, machine) {
      const secret = randomBytes(16).toString('hex');
      machines.set(secret, machine);
      await writeFile(file, programText(port, secret));
      await chmod(file, 0o700);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function read(machine: Machine, what: string): string {
  if (what === 'power') return `power:${machine.isOn() ? 1 : 0}`;
  if (what === 'boot') return `boot:${BOOT_NAMES[machine.bootOverride ?? 'none']}`;
  throw new Error(`ipmi_sim asks for ${what}`);
}

/** ipmi_sim's names: "default" is the disk that the machine boots from by default. */
const BOOT_NAMES = { none: 'none', pxe: 'pxe', disk: 'default' } as const;

async function change(machine: Machine, words: readonly string[]): Promise<string[]> {
  for (let at = 0; at + 1 < words.length; at += 2) {
    const value = words[at + 1]!;
    switch (words[at]) {
      case 'power':
        await (value === '1' ? machine.powerOn() : machine.powerOff());
        break;
      case 'boot':
        machine.bootOverride = value === 'pxe' ? 'pxe' : value === 'default' ? 'disk' : undefined;
        break;
      case 'reset':
        await machine.reset();
        break;
      case 'shutdown':
        machine.pressPowerButton();
        break;
      case 'identify':
        break; // there is no lamp
      default:
        throw new Error(`ipmi_sim orders ${words[at]}`);
    }
  }
  return [];
}
