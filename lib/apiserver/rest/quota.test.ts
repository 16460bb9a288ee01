// Quotas over custom resources, held under many creates at the same time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { prepare } from '../conformance/runner.ts';
import { Target } from '../conformance/target.ts';
import { asText, at, equal, type Json } from '../json.ts';
import { startApiServer } from '../server.ts';

const NAMED = 'count/widgets.conformance.bmp.dev';
const QUOTAS = '/api/v1/namespaces/default/resourcequotas';
const WIDGETS = '/apis/conformance.bmp.dev/v1/namespaces/default/widgets';
const DEADLINE = 20_000;

const widget = (name: string) => ({
  apiVersion: 'conformance.bmp.dev/v1',
  kind: 'Widget',
  metadata: { name },
  spec: {},
});

async function withServer(run: (target: Target) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'quota-'));
  const server = await startApiServer({ dir });
  const target = new Target(server.kubeconfigPath);
  try {
    await prepare(target);
    await run(target);
  } finally {
    target.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
}

async function limit(target: Target, count: string): Promise<void> {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q' },
    spec: { hard: { [NAMED]: count } },
  };
  assert.is((await target.core.post(QUOTAS, quota)).code, 201);
}

/** Waits until the quota's status says so. */
async function awaitUsed(target: Target, used: Json): Promise<void> {
  const deadline = Date.now() + DEADLINE;
  for (;;) {
    const { body } = await target.core.get(`${QUOTAS}/q`);
    if (equal(at(body, ['status', 'used']) ?? null, used)) return;
    if (Date.now() > deadline) assert.equal(body['status'], { used });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('creates at the same time cannot exceed a quota together', () =>
  withServer(async (target) => {
    await limit(target, '5');
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => target.custom.post(WIDGETS, widget(`w${index}`))),
    );
    const codes = replies.map(({ code }) => code);
    assert.is(codes.filter((code) => code === 201).length, 5);
    assert.is(codes.filter((code) => code === 403).length, 15);
    const refused = replies.find(({ code }) => code === 403)!;
    assert.match(
      asText(refused.body['message']),
      /exceeded quota: q, requested: count\/widgets\.conformance\.bmp\.dev=1, used: /,
    );
    await awaitUsed(target, { [NAMED]: '5' });
  }));

test('what is refused or deleted takes no room', () =>
  withServer(async (target) => {
    await limit(target, '1');
    const wrong = { ...widget('a'), spec: { size: 11 } };
    assert.is((await target.custom.post(WIDGETS, wrong)).code, 422);
    assert.is((await target.custom.post(WIDGETS, widget('a'))).code, 201);
    await awaitUsed(target, { [NAMED]: '1' });
    assert.is((await target.custom.delete(`${WIDGETS}/a`)).code, 200);
    assert.is((await target.custom.post(WIDGETS, widget('b'))).code, 201);
    assert.is((await target.custom.post(WIDGETS, widget('c'))).code, 403);
  }));

test.run();
