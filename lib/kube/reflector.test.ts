// The reflector against a server that misbehaves in every way that real ones have.
import { EventEmitter, on } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { eventually } from '../testing/eventually.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { type Script, startScriptedServer } from '../testing/scripted-server.ts';
import { createClient } from './client.ts';
import { createReflector, type ReflectorTiming } from './reflector.ts';
import type { KubeObject, Resource } from './resource.ts';

const widgets: Resource = { group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };

const widget = (name: string, version: number, more: object = {}): KubeObject => ({
  apiVersion: 'example.dev/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion: String(version), ...more },
});
const bookmark = (version: number, initialEnd = false) =>
  widget('', version, initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {});
const list = (version: number, items: KubeObject[], next?: string) => ({
  kind: 'WidgetList',
  metadata: { resourceVersion: String(version), ...(next && { continue: next }) },
  items,
});

const FAST: Partial<ReflectorTiming> = { backoff: { initialMs: 5, maxMs: 20 } };

/** Runs a reflector against `script` and shows what it holds, what it told, and what it asked. */
async function reflect(script: Script, clock: Clock = systemClock) {
  const server = await startScriptedServer(script);
  const client = createClient({ kubeconfig: server.kubeconfig });
  const log = createLogRecorder();
  const reflector = createReflector({ client, resource: widgets, log, clock, timing: FAST });
  const told: string[] = [];
  reflector.store.subscribe((event) =>
    told.push(`${event.type} ${event.object.metadata.name}@${event.object.metadata.resourceVersion}`),
  );
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  return {
    store: reflector.store,
    told,
    log,
    requests: server.requests,
    held: () =>
      [...reflector.store.values()]
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .sort()
        .join(' '),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The n-th request of each sort gets the n-th script; the last one serves all further ones. */
function inTurn(...scripts: Script[]): Script {
  let turn = 0;
  return (request, answer) => scripts[Math.min(turn++, scripts.length - 1)]!(request, answer);
}
/** A watch that is accepted, and then says nothing. */
const silent: Script = (_request, answer) => answer.open();

const initial =
  (version: number, ...objects: KubeObject[]): Script =>
  (_request, answer) => {
    for (const object of objects) answer.event('ADDED', object);
    answer.event('BOOKMARK', bookmark(version, true));
  };

test('watch-list: synced at the bookmark that ends the initial events, then kept up to date on the same connection', async () => {
  await using world = await reflect(async (request, answer) => {
    await initial(5, widget('a', 1), widget('b', 2))(request, answer);
    answer.event('MODIFIED', widget('a', 6));
    answer.event('DELETED', widget('b', 7));
    answer.event('ADDED', widget('c', 8));
  });
  await eventually(() => world.held() === 'a@6 c@8');
  const query = world.requests[0]!.query;
  assert.is(query.get('sendInitialEvents'), 'true');
  assert.is(query.get('resourceVersionMatch'), 'NotOlderThan');
  assert.is(query.get('allowWatchBookmarks'), 'true');
  assert.is(query.get('resourceVersion'), null);
  assert.is(world.requests.length, 1);
  assert.equal(world.told, ['added a@1', 'added b@2', 'updated a@6', 'deleted b@2', 'added c@8']);
});

test('nothing is synced before the initial events have ended', async () => {
  await using world = await reflect((_request, answer) => answer.event('ADDED', widget('a', 1)));
  await eventually(() => world.requests.length === 1);
  assert.not.ok(world.store.hasSynced());
  assert.is(world.store.size, 0);
});

for (const [status, reason] of [
  [422, 'Invalid'],
  [400, 'BadRequest'],
] as const) {
  test(`a server that refuses watch-list with ${status} is listed in pages, then watched`, async () => {
    await using world = await reflect(
      inTurn(
        (_request, answer) => answer.fail(status, reason),
        (_request, answer) => answer.json(list(9, [widget('a', 1), widget('b', 2)], 'token')),
        (_request, answer) => answer.json(list(9, [widget('c', 3)])),
        (_request, answer) => answer.event('ADDED', widget('d', 10)),
      ),
    );
    await eventually(() => world.held() === 'a@1 b@2 c@3 d@10');
    const [, first, second, watch] = world.requests;
    assert.is(first!.query.get('limit'), '500');
    assert.is(first!.query.get('resourceVersion'), null);
    assert.is(second!.query.get('continue'), 'token');
    assert.is(watch!.query.get('resourceVersion'), '9');
  });
}

test('a server that ignores watch-list and never ends the initial events is listed instead', async () => {
  const clock = createFakeClock();
  const script = inTurn(
    (_request, answer) => answer.event('ADDED', widget('a', 1)),
    (_request, answer) => answer.json(list(5, [widget('a', 1)])),
    silent,
  );
  await using world = await reflect(script, clock);
  await eventually(() => world.requests.length === 1);
  await eventually(async () => {
    await clock.advance(1_000);
    return world.store.hasSynced();
  });
  assert.is(world.held(), 'a@1');
  await eventually(() => world.requests.length === 3);
  assert.is(world.requests[2]!.query.get('resourceVersion'), '5');
});

test('watching-with-bookmarks: a cut watch resumes where the last bookmark said', async () => {
  await using world = await reflect(
    inTurn(
      async (request, answer) => {
        await initial(5, widget('a', 1))(request, answer);
        answer.event('BOOKMARK', bookmark(77));
        answer.cut();
      },
      (_request, answer) => answer.event('MODIFIED', widget('a', 80)),
    ),
  );
  await eventually(() => world.held() === 'a@80');
  assert.is(world.requests[1]!.query.get('resourceVersion'), '77');
  assert.equal(world.told, ['added a@1', 'updated a@80']);
});

test('watching-with-silence: a watch that says nothing is given up and resumed, then started over', async () => {
  const clock = createFakeClock();
  await using world = await reflect(inTurn(initial(5, widget('a', 1)), silent, initial(9, widget('b', 9))), clock);
  await eventually(() => world.held() === 'a@1');
  await clock.advance(89_000);
  assert.is(world.requests.length, 1);
  await clock.advance(1_000);
  await eventually(() => world.requests.length === 2);
  await eventually(async () => {
    await clock.advance(10_000);
    return world.held() === 'b@9';
  });
  assert.equal(
    world.requests.map(({ query }) => query.get('resourceVersion') ?? 'start'),
    ['start', '5', 'start'],
  );
});

test('watching-with-silence: a bookmark now and then is no silence', async () => {
  const clock = createFakeClock();
  const beats = new EventEmitter();
  await using world = await reflect(async (request, answer) => {
    await initial(5)(request, answer);
    for await (const [version] of on(beats, 'beat')) answer.event('ADDED', widget(`beat-${version}`, Number(version)));
  }, clock);
  await world.store.synced(AbortSignal.timeout(60_000));
  for (let version = 6; version < 12; version++) {
    await clock.advance(60_000);
    beats.emit('beat', version);
    await eventually(() => world.store.get(`n/beat-${version}`));
  }
  assert.is(world.requests.length, 1);
});

test('watching-with-truncation: half an event is not taken for one, and comes again whole', async () => {
  await using world = await reflect(
    inTurn(
      async (request, answer) => {
        await initial(5, widget('a', 1))(request, answer);
        answer.write(JSON.stringify({ type: 'MODIFIED', object: widget('a', 6) }).slice(0, 60));
        answer.cut();
      },
      (_request, answer) => answer.event('MODIFIED', widget('a', 6)),
    ),
  );
  await eventually(() => world.held() === 'a@6');
  assert.is(world.requests[1]!.query.get('resourceVersion'), '5');
});

test('watching-with-truncation: an answer that ends properly in the middle of an event counts as cut', async () => {
  await using world = await reflect(
    inTurn(
      async (request, answer) => {
        await initial(5)(request, answer);
        answer.write('{"type":"ADDED","object":{"metada');
        answer.end();
      },
      (_request, answer) => answer.event('ADDED', widget('a', 6)),
    ),
  );
  await eventually(() => world.held() === 'a@6');
});

test('events cut up anywhere, several bytes of one letter apart, are read whole', async () => {
  const event = `${JSON.stringify({ type: 'ADDED', object: widget('a', 6, { labels: { town: 'Köln 東京' } }) })}\n`;
  await using world = await reflect(async (request, answer) => {
    await initial(5)(request, answer);
    for (const byte of Buffer.from(event)) {
      answer.bytes(Buffer.from([byte]));
      await setImmediate();
    }
  });
  await eventually(() => world.held() === 'a@6');
  assert.is(world.store.get('n/a')!.metadata.labels!.town, 'Köln 東京');
});

for (const form of ['status', 'event'] as const) {
  test(`watching-with-410 as ${form}: everything is read anew, and what vanished meanwhile is deleted`, async () => {
    await using world = await reflect(
      inTurn(
        async (request, answer) => {
          await initial(5, widget('a', 1), widget('b', 2))(request, answer);
          answer.cut();
        },
        (_request, answer) => {
          if (form === 'status') answer.fail(410, 'Expired');
          else
            answer.event('ERROR', {
              kind: 'Status',
              code: 410,
              reason: 'Expired',
              message: 'too old resource version',
            });
          answer.end();
        },
        initial(50, widget('b', 2), widget('c', 40)),
      ),
    );
    await eventually(() => world.held() === 'b@2 c@40');
    assert.equal(world.told, ['added a@1', 'added b@2', 'deleted a@1', 'added c@40']);
  });
}

test('a list whose token expires between pages starts over', async () => {
  await using world = await reflect(
    inTurn(
      (_request, answer) => answer.fail(422, 'Invalid'),
      (_request, answer) => answer.json(list(9, [widget('a', 1)], 'token')),
      (_request, answer) => answer.fail(410, 'Expired'),
      (_request, answer) => answer.json(list(12, [widget('b', 11)])),
      silent,
    ),
  );
  await world.store.synced(AbortSignal.timeout(60_000));
  assert.is(world.held(), 'b@11');
});

test('429 is tried again no sooner than Retry-After says', async () => {
  const times: number[] = [];
  await using world = await reflect(
    inTurn(
      (_request, answer) => {
        times.push(performance.now());
        answer.fail(429, 'TooManyRequests', { 'retry-after': '1' });
      },
      async (request, answer) => {
        times.push(performance.now());
        await initial(5, widget('a', 1))(request, answer);
      },
    ),
  );
  await eventually(() => world.held() === 'a@1');
  assert.ok(times[1]! - times[0]! >= 990, `after ${times[1]! - times[0]!} ms`);
});

test('500s, resets and nonsense at any point only delay', async () => {
  await using world = await reflect(
    inTurn(
      (_request, answer) => answer.fail(500, 'InternalError'),
      (_request, answer) => answer.json('<html>bad gateway</html>', 502),
      (_request, answer) => answer.reset(),
      (_request, answer) => {
        answer.write('not json\n');
        answer.end();
      },
      (_request, answer) => {
        answer.event('UNHEARD-OF', widget('a', 1));
        answer.end();
      },
      (_request, answer) => {
        answer.event('ADDED', { metadata: { name: 'no-version' } });
        answer.end();
      },
      initial(5, widget('a', 1)),
    ),
  );
  await eventually(() => world.held() === 'a@1');
  assert.equal(world.told, ['added a@1']);
});

test('403 is loud, and tried again', async () => {
  await using world = await reflect(
    inTurn((_request, answer) => answer.fail(403, 'Forbidden'), initial(5, widget('a', 1))),
  );
  await eventually(() => world.held() === 'a@1');
  const loud = world.log.lines.filter(({ level }) => level === 'error');
  assert.is(loud.length, 1);
  assert.is(loud[0]!.fields.resource, 'widgets.example.dev');
});

test('another uid under the same name is a deletion and an addition', async () => {
  await using world = await reflect(
    inTurn(
      async (request, answer) => {
        await initial(5, widget('a', 1))(request, answer);
        answer.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
        answer.end();
      },
      initial(9, widget('a', 8, { uid: 'another' })),
    ),
  );
  await eventually(() => world.held() === 'a@8');
  assert.equal(world.told, ['added a@1', 'deleted a@1', 'added a@8']);
});

test('a handler that throws disturbs neither the store nor the other handlers', async () => {
  await using world = await reflect(async (request, answer) => {
    await initial(5)(request, answer);
    await eventually(() => hooked);
    answer.event('ADDED', widget('a', 6));
    answer.event('ADDED', widget('b', 7));
  });
  let hooked = false;
  world.store.subscribe(() => {
    throw new Error('handler');
  });
  hooked = true;
  await eventually(() => world.held() === 'a@6 b@7');
  assert.equal(world.told, ['added a@6', 'added b@7']);
  assert.is(world.log.lines.filter(({ level }) => level === 'error').length, 2);
});

test('objects are stored without managed fields, and frozen', async () => {
  await using world = await reflect(
    initial(5, widget('a', 1, { managedFields: [{ manager: 'm' }], labels: { x: 'y' } })),
  );
  const object = await eventually(() => world.store.get('n/a'));
  assert.is(object.metadata.managedFields, undefined);
  assert.throws(() => {
    object.metadata.labels!.x = 'z';
  }, /read only/);
});

test.run();
