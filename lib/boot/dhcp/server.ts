// DHCP and TFTP by dnsmasq, as a child process: one file per host, and nothing counts as done before dnsmasq has said so.
//
// The files are the state: a restarted operator finds them again, and so does a dnsmasq that has to be started anew.
// dnsmasq reads a new or changed file by itself and logs it; of one that is gone it is told by SIGHUP, upon which it
// forgets all hosts and reads the rest again.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../observe/log.ts';
import { type DhcpHost, type DhcpSettings, dnsmasqConfig, hostLine, mac } from './config.ts';

export interface DhcpServerOptions extends DhcpSettings {
  /** For configuration, hosts and leases, kept over restarts: the server's own, and readable by dnsmasq's user. */
  readonly dir: string;
  readonly log: Log;
  /** How dnsmasq is started, such as in another network namespace. Default: from PATH. */
  readonly command?: readonly [program: string, ...args: string[]];
}

export interface DhcpServer {
  /** Resolves when the host is served; the same again changes nothing. @throws RangeError, or the signal's reason */
  addHost(host: DhcpHost, signal: AbortSignal): Promise<void>;
  /** Resolves when the host is served no longer; one that is not there is fine. */
  removeHost(macAddress: string, signal: AbortSignal): Promise<void>;
  /** MAC addresses of the hosts on file. */
  hosts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Always there, so that reading all files again can be seen to have happened when no host is left. */
const MARKER = 'none';
const START_MS = 20_000;
const RESTART_MS = { first: 200, last: 30_000 };

/** Starts dnsmasq and resolves when it serves. @throws when it cannot be started, with what it printed. */
export async function startDhcpServer(options: DhcpServerOptions): Promise<DhcpServer> {
  const { dir, log, command: [program, ...before] = ['dnsmasq'] } = options;
  const folder = join(dir, 'hosts');
  const config = join(dir, 'dnsmasq.conf');
  // dnsmasq gives up root for a user of its own, who must be able to read.
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await writeFile(
    join(folder, MARKER),
    '# One file per machine that may boot from the network; written by the operator.\n',
  );
  await writeFile(config, dnsmasqConfig(options, folder, join(dir, 'leases')));

  // 'read' with a file's path, when dnsmasq has read it.
  const events = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  let child: ChildProcess | undefined;
  /** The last line that sounded like trouble. */
  let complaint = '';
  let changes = Promise.resolve();

  const launch = (): Promise<number | null> => {
    const started = spawn(
      program,
      [...before, '--keep-in-foreground', `--conf-file=${config}`, '--log-facility=-', '--pid-file='],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child = started;
    createInterface({ input: started.stderr }).on('line', (line) => {
      log.debug({ line }, 'dnsmasq');
      const file = /: read (\/.*)$/.exec(line)?.[1];
      if (file !== undefined) events.emit(`read ${file}`);
      else if (/failed|cannot|bad|error|denied/i.test(line)) complaint = line;
    });
    return new Promise((resolve, reject) => {
      started.on('error', reject);
      started.on('close', resolve);
    });
  };
  const whenRead = (file: string, signal: AbortSignal) =>
    once(events, `read ${join(folder, file)}`, { signal: AbortSignal.any([signal, closing.signal]) });

  const keepRunning = async (ended: Promise<number | null>): Promise<void> => {
    let wait = RESTART_MS.first;
    for (let run = ended; ; run = launch()) {
      const since = performance.now();
      const code = await run.catch((error: unknown) => String(error));
      if (closing.signal.aborted) return;
      log.error({ code }, 'dnsmasq ended by itself; starting it again');
      if (performance.now() - since > RESTART_MS.last) wait = RESTART_MS.first;
      await delay(wait, undefined, { signal: closing.signal }).catch((error: unknown) => {
        if (!closing.signal.aborted) throw error;
      });
      if (closing.signal.aborted) return;
      wait = Math.min(wait * 2, RESTART_MS.last);
    }
  };

  const first = launch();
  const failed = first.then((code) => {
    throw new Error(`dnsmasq ended with ${code}: ${complaint}`);
  });
  try {
    await Promise.race([whenRead(MARKER, AbortSignal.timeout(START_MS)), failed]);
  } catch (cause) {
    child?.kill('SIGTERM');
    throw new Error(`dnsmasq does not serve: ${complaint || String(cause)}`, { cause });
  }
  const kept = keepRunning(first);

  /** One change at a time: what dnsmasq says it has read is then the answer to this one. */
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const done = changes.then(change);
    // The caller hears of a failure; the next change does not depend on it.
    changes = Promise.allSettled([done]).then(() => undefined);
    return done;
  };

  return {
    addHost: (host, signal) =>
      inTurn(async () => {
        const line = hostLine(host);
        const file = fileName(host.macAddress);
        const read = whenRead(file, signal);
        // Names with a leading dot are not read: the file appears at once and whole.
        const draft = join(folder, `.${file}`);
        await writeFile(draft, line);
        await rename(draft, join(folder, file));
        await read;
      }),
    removeHost: (macAddress, signal) =>
      inTurn(async () => {
        await rm(join(folder, fileName(macAddress)), { force: true });
        const read = whenRead(MARKER, signal);
        // Between two processes there is nobody to tell: the next one reads what is there then.
        child?.kill('SIGHUP');
        await read;
      }),
    async hosts() {
      const files = await readdir(folder);
      return files.filter((file) => file !== MARKER && !file.startsWith('.')).map((file) => file.replaceAll('-', ':'));
    },
    async close() {
      closing.abort(new Error('the DHCP server is closed'));
      child?.kill('SIGTERM');
      await kept;
    },
  };
}

function fileName(macAddress: string): string {
  return mac(macAddress).replaceAll(':', '-');
}
