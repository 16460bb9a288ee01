// Watches devices, instances and placements and shows them: a table that is redrawn, or a line per change.
import type { Device, Instance, Placement } from '../api/generated.ts';
import { DEVICES, INSTANCES, PLACEMENTS } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { createReflector } from '../kube/reflector.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Log } from '../observe/log.ts';
import { type Everything, overview, summary } from './overview.ts';

const REDRAW_MS = 250;

export interface View {
  readonly devices: Store<Device>;
  readonly instances: Store<Instance>;
  readonly placements: Store<Placement>;
  /** Resolves as soon as `reached` is true of what is seen; rejects with the signal's reason. */
  until(reached: (all: Everything) => boolean, signal: AbortSignal): Promise<void>;
  all(): Everything;
}

/** A view of the cluster that follows it until the signal aborts. */
export async function follow(client: KubeClient, log: Log, signal: AbortSignal): Promise<View> {
  const store = <T extends KubeObject>(resource: Resource<T>) => {
    const reflector = createReflector({ client, resource, log });
    reflector.run(signal).catch((error: unknown) => log.error({ err: error }, 'a watch ended'));
    return reflector.store;
  };
  const [devices, instances, placements] = [store(DEVICES), store(INSTANCES), store(PLACEMENTS)];
  await Promise.all([devices.synced(signal), instances.synced(signal), placements.synced(signal)]);
  const all = () => ({
    devices: [...devices.values()],
    instances: [...instances.values()],
    placements: [...placements.values()],
  });
  const until = (reached: (now: Everything) => boolean, end: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const ends: (() => void)[] = [];
      const settle = (act: () => void) => {
        for (const stop of ends) stop();
        end.removeEventListener('abort', abort);
        act();
      };
      const check = () => reached(all()) && settle(resolve);
      const abort = () => settle(() => reject(end.reason as Error));
      ends.push(devices.subscribe(check), instances.subscribe(check), placements.subscribe(check));
      end.addEventListener('abort', abort);
      if (end.aborted) abort();
      else check();
    });
  return { devices, instances, placements, until, all };
}

/** Redraws the table in place until the signal aborts; `footer` stands below it. */
export function drawTable(view: View, footer: readonly string[], out: NodeJS.WriteStream, signal: AbortSignal): void {
  let drawn = 0;
  let last = '';
  const draw = () => {
    const room = Math.max(10, (out.rows ?? 40) - footer.length - 2);
    const lines = [...overview(view.all(), (out.columns ?? 120) - 1, room), ...footer];
    const text = lines.map((line) => `${line}\u001b[K\n`).join('');
    if (text === last) return;
    // Up to where the last table began, then over it; what is left below is cleared.
    out.write(`${drawn > 0 ? `\u001b[${drawn}A` : ''}${text}\u001b[J`);
    drawn = lines.length;
    last = text;
  };
  const timer = setInterval(draw, REDRAW_MS);
  draw();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Prints a line whenever what an object does has changed, until the signal aborts. */
export function printChanges(view: View, print: (line: string) => void, signal: AbortSignal): void {
  const told = new Map<string, string>();
  const tell = (object: Device | Instance | Placement) => {
    const line = summary(object);
    const key = `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`;
    if (told.get(key) === line) return;
    told.set(key, line);
    print(`${new Date().toISOString().slice(11, 19)}  ${line}`);
  };
  const all = view.all();
  for (const object of [...all.devices, ...all.instances, ...all.placements]) tell(object);
  const ends = [view.devices, view.instances, view.placements].map(
    (store: Store<Device> | Store<Instance> | Store<Placement>) =>
      store.subscribe((event) => event.type !== 'deleted' && tell(event.object)),
  );
  const stop = () => {
    for (const end of ends) end();
  };
  signal.addEventListener('abort', stop, { once: true });
}
