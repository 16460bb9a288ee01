// What one machine's whole life costs the API server: every request of the operator while one device is registered, offered,
// given to an Instance, and wiped after it. Prints the table, and fails when it grows; the least number that it could be, and
// why, is in lib/runtime/README.md.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES } from '../../lib/api/resources.ts';
import type { Exchange } from '../../lib/kube/transport.ts';
import { instanceNamed, startPlatform } from './platform.ts';
import { attributesOf } from './rights.ts';

/** With room for a conflict here and there, and for progress that a slow machine tells in more steps. */
const MOST = { offered: 16, created: 50, destroyed: 32 };

/** Requests by what is asked of which resource, leases aside: these are per process, not per machine. */
class Tally {
  #counts = new Map<string, number>();
  /** Writes whose body holds nothing but what guards them. */
  empty = 0;

  readonly add = (exchange: Exchange): void => {
    const { verb, resource } = attributesOf(exchange);
    if (resource === 'leases' || verb === 'watch' || verb === 'list') return;
    const what = `${verb} ${resource}`;
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    const { metadata, ...change } = (exchange.body ?? {}) as { metadata?: object };
    const guards = Object.keys(metadata ?? {}).every((field) => field === 'uid' || field === 'resourceVersion');
    if (verb === 'patch' && guards && Object.keys(change).length === 0) this.empty++;
  };

  /** What came in since the last time. */
  take(): ReadonlyMap<string, number> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }
}

const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((total, count) => total + count, 0);

function print(part: string, counts: ReadonlyMap<string, number>): void {
  const each = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([what, count]) => `${what} ${count}`);
  console.log(`${part}: ${sum(counts)} requests: ${each.join(', ')}`);
}

test('one device, from its registration to its wipe: no request too many', async () => {
  const tally = new Tally();
  const platform = await startPlatform({ count: 1, asked: tally.add });
  try {
    tally.take();
    await platform.importFleet();
    await platform.until('the device to be offered', ({ devices }) =>
      devices.some(({ status }) => status?.phase === 'Available'),
    );
    const offered = tally.take();
    await platform.create(INSTANCES, instanceNamed('web-1'));
    await platform.until('the instance to run', () => platform.instance('web-1')?.status?.phase === 'Running');
    const created = tally.take();
    await platform.client.delete(INSTANCES, { name: 'web-1', namespace: 'default' });
    await platform.until(
      'the device to be offered again',
      ({ devices, instances }) =>
        instances.length === 0 && devices.every(({ status }) => status?.phase === 'Available'),
    );
    const destroyed = tally.take();
    print('registered to available', offered);
    print('created', created);
    print('destroyed', destroyed);
    assert.ok(sum(offered) <= MOST.offered, `${sum(offered)} until it was offered`);
    assert.ok(sum(created) <= MOST.created, `${sum(created)} until the instance ran`);
    assert.ok(sum(destroyed) <= MOST.destroyed, `${sum(destroyed)} until it was offered again`);
    assert.is(tally.empty, 0, 'nothing is written that says nothing');
  } finally {
    await platform.close();
  }
});

test.run();
