// A watcher as a process of its own: node watcher.ts KUBECONFIG PATH VERSION. Follows a collection from a version on, comes back
// from the last version that it saw whenever the connection breaks, and prints a line for each event: TYPE NAME STEP VERSION.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '../conformance/client.ts';
import { asText, at, type JsonObject } from '../json.ts';

const RETRY_MILLISECONDS = 20;

/** Follows until the stream ends. @returns the last version seen */
async function follow(client: Client, path: string, from: string): Promise<string> {
  let last = from;
  const watch = await client.watch(`${path}&watch=1&resourceVersion=${from}`);
  for (let event = await watch.next(); event; event = await watch.next()) {
    const text = (...keys: string[]) => asText(at(event?.object as JsonObject, keys));
    if (event.type === 'ERROR') throw new Error(`from ${from}: ${text('message')}`);
    last = text('metadata', 'resourceVersion');
    console.log(`${event.type} ${text('metadata', 'name')} ${text('data', 'step')} ${last}`);
  }
  return last;
}

const [kubeconfig, path, version] = process.argv.slice(2) as [string, string, string];
const client = new Client(kubeconfig);
for (let from = version; ; ) {
  try {
    from = await follow(client, path, from);
  } catch (error) {
    // Nobody listens while the server is down, and a connection may break at any byte.
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    await wait(RETRY_MILLISECONDS);
  }
}
