// Many watches in a process of their own: node watchers.ts, told by its parent what to watch. It notes when each version came.
import { request as httpsRequest } from 'node:https';
import type { Access } from './load.ts';

export interface WatchersTask {
  readonly access: Pick<Access, 'host' | 'port' | 'token'> & { readonly ca: string };
  readonly path: string;
  readonly count: number;
}

export type FromWatchers =
  | { readonly type: 'watching' }
  /** Per version, when each of the watches saw it: milliseconds of the machine's monotonic clock. */
  | { readonly type: 'seen'; readonly times: readonly (readonly [version: string, times: readonly number[]])[] };

const MARK = '"resourceVersion":"';

/** The machine's monotonic clock, the same for all its processes, in milliseconds. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Calls back with the version of every event. */
function openWatch({ access, path }: WatchersTask, onVersion: (version: string) => void): Promise<void> {
  const { host, port, ca, token } = access;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host, port, ca, path, headers: { Authorization: `Bearer ${token}` }, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let rest = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        rest += chunk;
        let start = 0;
        for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
          const at = rest.indexOf(MARK, start) + MARK.length;
          onVersion(rest.slice(at, rest.indexOf('"', at)));
          start = end + 1;
        }
        rest = rest.slice(start);
      });
      if (response.statusCode === 200) resolve();
      else reject(new Error(`the watch was answered ${response.statusCode}`));
    });
    request.end();
  });
}

async function main(): Promise<void> {
  const seen = new Map<string, number[]>();
  let [last, complete]: [string | undefined, () => void] = [undefined, () => undefined];
  let count = 0;
  const note = (version: string) => {
    let times = seen.get(version);
    if (!times) {
      times = [];
      seen.set(version, times);
    }
    times.push(clock());
    if (version === last && times.length === count) complete();
  };
  const tell = (message: FromWatchers) => process.send!(message);
  process.on('message', (message: WatchersTask | { readonly last: string }) => {
    if ('path' in message) {
      count = message.count;
      const opened = Promise.all(Array.from({ length: count }, () => openWatch(message, note)));
      opened.then(
        () => tell({ type: 'watching' }),
        (error: Error) => {
          console.error(error.message);
          process.exit(1);
        },
      );
      return;
    }
    last = message.last;
    complete = () => tell({ type: 'seen', times: [...seen] });
    if (seen.get(last)?.length === count) complete();
  });
  process.once('disconnect', () => process.exit(0));
}

if (process.send) await main();
