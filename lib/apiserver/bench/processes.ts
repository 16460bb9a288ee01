// A server's processes, from /proc: which they are, what CPU time they used and how much memory they hold (proc(5), Linux).
import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A process may end, or be somebody else's, while it is looked at. */
async function unlessGone<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

/** Those in NAME.pid files beside the kubeconfig: where a control plane keeps them, etcd and controllers too. */
async function fromFiles(kubeconfig: string): Promise<number[]> {
  const directory = dirname(kubeconfig);
  const names = (await readdir(directory)).filter((name) => name.endsWith('.pid'));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.map(Number).filter((pid) => pid > 0);
}

/** The one that listens on a TCP port. */
async function fromPort(port: number): Promise<number[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => unlessGone(readFile(path, 'utf8'), '')),
  );
  const rows = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN = '0A';
  const sockets = new Set(
    rows.filter((row) => row[1]?.endsWith(`:${hex}`) && row[3] === LISTEN).map((row) => `socket:[${row[9]}]`),
  );
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const holds = async (pid: string) => {
    const files = await unlessGone(readdir(`/proc/${pid}/fd`), []);
    const links = await Promise.all(files.map((file) => unlessGone(readlink(`/proc/${pid}/fd/${file}`), '')));
    return links.some((link) => sockets.has(link));
  };
  const found = await Promise.all(pids.map(async (pid) => ((await holds(pid)) ? [Number(pid)] : [])));
  return found.flat();
}

/** The processes of the server that a kubeconfig is for. */
export async function processesOf(kubeconfig: string, port: number): Promise<number[]> {
  return [...new Set([...(await fromFiles(kubeconfig)), ...(await fromPort(port))])];
}

/** CPU milliseconds and resident megabytes of processes. */
export async function usageOf(pids: readonly number[]): Promise<{ cpu: number; memory: number }> {
  let [cpu, memory] = [0, 0];
  for (const pid of pids) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    // utime and stime in clock ticks of 10 ms; resident pages of 4 KiB.
    cpu += (Number(fields[11]) + Number(fields[12])) * 10;
    memory += (Number(fields[21]) * 4096) / 2 ** 20;
  }
  return { cpu, memory };
}
