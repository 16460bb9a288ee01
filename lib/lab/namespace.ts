// A network of its own for the lab's machines: a namespace, a bridge in it, and a tap for each machine. Nothing of it is
// seen from outside: processes are started inside, or handed a socket that listens there.
//
// Source: ip-netns(8). A socket belongs to the namespace that it was made in, whoever holds it: so a process inside makes
// it and passes it on.
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../agent/linux/command.ts';

export interface NetworkOptions {
  /** Of the namespace: letters, digits and dashes. */
  readonly name: string;
  /** Addresses of the bridge, each with the length of its prefix. */
  readonly addresses: readonly string[];
  /** How many taps: tap1, tap2 and so on. */
  readonly taps: number;
}

export interface Network {
  readonly bridge: string;
  /** The command line that runs a program inside; it ends with the process that starts it. */
  inside(program: string, args: readonly string[]): [string, string[]];
  /** A server that listens inside. */
  listen(host: string, port: number): Promise<Server>;
  /** Ends what is left inside, and removes the namespace. */
  remove(): Promise<void>;
}

const BRIDGE = 'br0';
const LISTENER = new URL('./listener.ts', import.meta.url).pathname;

/** @throws CommandError where it may not be made, or is there already. */
export async function makeNetwork({ name, addresses, taps }: NetworkOptions): Promise<Network> {
  const ip = (...words: string[]) => run('ip', ['-netns', name, ...words]);
  await run('ip', ['netns', 'add', name]);
  try {
    await ip('link', 'set', 'lo', 'up');
    await ip('link', 'add', BRIDGE, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
    for (const address of addresses) {
      // Nobody else is there who could have an IPv6 address of ours.
      await ip('address', 'add', address, 'dev', BRIDGE, ...(address.includes(':') ? ['nodad'] : []));
    }
    await ip('link', 'set', BRIDGE, 'up');
    for (let number = 1; number <= taps; number++) {
      await ip('tuntap', 'add', `tap${number}`, 'mode', 'tap');
      await ip('link', 'set', `tap${number}`, 'master', BRIDGE, 'up');
    }
  } catch (error) {
    await removeNetwork(name);
    throw error;
  }
  return {
    bridge: BRIDGE,
    inside: (program, args) => insideOf(name, program, args),
    listen: (host, port) => listenInside(name, host, port),
    remove: () => removeNetwork(name),
  };
}

/** setpriv: a lab that is killed takes what it has started with it. */
function insideOf(name: string, program: string, args: readonly string[]): [string, string[]] {
  return ['ip', ['netns', 'exec', name, 'setpriv', '--pdeathsig', 'KILL', program, ...args]];
}

async function listenInside(name: string, host: string, port: number): Promise<Server> {
  const [command, args] = insideOf(name, process.execPath, [LISTENER, host, String(port)]);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('message', (_message, handle) => resolve(handle as Server));
    child.on('close', () => reject(new Error(`nothing listens at ${host}:${port} in ${name}: ${said.trim()}`)));
  });
}

/** Whatever runs inside was started by a lab. */
export async function removeNetwork(name: string): Promise<void> {
  for (let left = await processesIn(name); left.length > 0; left = await processesIn(name)) {
    for (const pid of left) kill(pid);
    await delay(20);
  }
  await run('ip', ['netns', 'delete', name]);
}

/** Namespaces of this machine whose name begins so. */
export async function networksNamed(prefix: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.startsWith(prefix));
}

async function processesIn(name: string): Promise<number[]> {
  return (await run('ip', ['netns', 'pids', name])).split('\n').filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
