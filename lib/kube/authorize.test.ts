import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createTokenAuthorizer } from './authorize.ts';
import { createClientOver } from './client.ts';
import { ApiError } from './errors.ts';
import type { Exchange } from './transport.ts';

/** An API server that knows one token, and lets its bearer read one path. */
function setUp() {
  const exchanges: Exchange[] = [];
  const is = { away: false };
  const client = createClientOver({
    async call(exchange) {
      exchanges.push(exchange);
      if (is.away) throw new ApiError(503, 'ServiceUnavailable', 'away');
      const { spec } = exchange.body as {
        spec: { token?: string; user?: string; groups?: string[]; nonResourceAttributes?: { path: string } };
      };
      if (exchange.path.endsWith('/tokenreviews')) {
        const authenticated = spec.token === 'prometheus' || spec.token === 'visitor';
        return JSON.stringify({ status: { authenticated, user: { username: spec.token, groups: ['monitoring'] } } });
      }
      const allowed =
        spec.user === 'prometheus' &&
        spec.groups?.[0] === 'monitoring' &&
        spec.nonResourceAttributes?.path === '/metrics';
      return JSON.stringify({ status: { allowed } });
    },
    stream() {
      throw new Error('nothing is watched here');
    },
    close: () => Promise.resolve(),
  });
  const clock = createFakeClock();
  return { exchanges, is, clock, authorize: createTokenAuthorizer(client, '/metrics', clock) };
}

test('who is known and may read the path is let in; the others are not', async () => {
  const { authorize } = setUp();
  assert.ok(await authorize('prometheus'));
  assert.not.ok(await authorize('visitor'));
  assert.not.ok(await authorize('nobody'));
});

test('a token that is not known is not asked about further', async () => {
  const { authorize, exchanges } = setUp();
  await authorize('nobody');
  assert.equal(
    exchanges.map(({ path }) => path),
    ['/apis/authentication.k8s.io/v1/tokenreviews'],
  );
});

test('a verdict is believed for a minute, and then asked for anew', async () => {
  const { authorize, exchanges, clock } = setUp();
  for (let i = 0; i < 5; i++) await authorize('prometheus');
  assert.is(exchanges.length, 2);
  await clock.advance(60_000);
  await authorize('prometheus');
  assert.is(exchanges.length, 4);
});

test('when the API server cannot say, nobody is let in, and it is asked again next time', async () => {
  const { authorize, is } = setUp();
  is.away = true;
  const error: unknown = await authorize('prometheus').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ApiError);
  is.away = false;
  assert.ok(await authorize('prometheus'));
});

test('however many tokens are tried, only so many verdicts are kept', async () => {
  const { authorize, exchanges } = setUp();
  await authorize('prometheus');
  for (let i = 0; i < 300; i++) await authorize(`guess-${i}`);
  const before = exchanges.length;
  assert.ok(await authorize('prometheus'));
  assert.is(exchanges.length, before + 2, 'the first one was forgotten, not kept for ever');
});

test.run();
