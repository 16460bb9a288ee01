import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addFinalizer, removeFinalizer } from '../runtime/finalizers.ts';
import { createObjectServer } from '../testing/object-server.ts';
import { replaceStatus, writeObject, writeStatus } from './apply.ts';
import { createClientOver } from './client.ts';
import { isConflict } from './errors.ts';
import type { KubeObject, Resource } from './resource.ts';

interface Widget extends KubeObject {
  spec: { size: number; color?: string | undefined };
  status?: { phase?: string | undefined; count?: number | undefined } | undefined;
}
const widgets: Resource<Widget> = { group: 'x', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: false };

async function setUp() {
  const { transport, exchanges } = createObjectServer();
  const client = createClientOver(transport);
  const widget = await client.create(widgets, {
    apiVersion: 'x/v1',
    kind: 'Widget',
    metadata: { name: 'a', labels: { keep: 'me' } },
    spec: { size: 1, color: 'red' },
    status: { phase: 'New', count: 1 },
  });
  exchanges.length = 0;
  return { client, widget, exchanges };
}

test('nothing is sent when nothing differs', async () => {
  const { client, widget, exchanges } = await setUp();
  assert.is(await replaceStatus(client, widgets, widget, { count: 1, phase: 'New' }), widget);
  assert.is(await writeStatus(client, widgets, widget, { count: 1, phase: 'New' }), widget);
  assert.is(await writeObject(client, widgets, widget, { ...widget, spec: { color: 'red', size: 1 } }), widget);
  assert.is(exchanges.length, 0);
});

test('a status write sends what differs and the version it was made from', async () => {
  const { client, widget, exchanges } = await setUp();
  const written = await writeStatus(client, widgets, widget, { phase: 'Ready' });
  assert.equal(exchanges[0]!.body, {
    metadata: { uid: widget.metadata.uid, resourceVersion: widget.metadata.resourceVersion },
    status: { phase: 'Ready', count: null },
  });
  assert.ok(exchanges[0]!.path.endsWith('/widgets/a/status'));
  assert.equal(written.status, { phase: 'Ready' });
});

test('a status is replaced as a whole, on the version it was made from', async () => {
  const { client, widget, exchanges } = await setUp();
  const written = await replaceStatus(client, widgets, widget, { phase: 'Ready' });
  const [{ method, path, body }] = exchanges as [(typeof exchanges)[0]];
  assert.equal({ method, body }, { method: 'PUT', body: { ...widget, status: { phase: 'Ready' } } });
  assert.ok(path.endsWith('/widgets/a/status'));
  assert.equal(written.status, { phase: 'Ready' });
  const error: unknown = await replaceStatus(client, widgets, widget, { phase: 'Old' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isConflict(error));
});

test('an object write leaves the status and what others hold alone', async () => {
  const { client, widget, exchanges } = await setUp();
  const labels = { ...widget.metadata.labels, more: 'x' };
  const desired: Widget = {
    ...widget,
    metadata: { ...widget.metadata, labels },
    spec: { size: 2 },
    status: { phase: 'Wrong' },
  };
  const written = await writeObject(client, widgets, widget, desired);
  const { uid, resourceVersion } = widget.metadata;
  assert.equal(exchanges[0]!.body, {
    metadata: { labels: { more: 'x' }, uid, resourceVersion },
    spec: { size: 2, color: null },
  });
  assert.equal(written.status, { phase: 'New', count: 1 });
});

test('who writes from an old version learns of it, and overwrites nothing', async () => {
  const { client, widget } = await setUp();
  await writeStatus(client, widgets, widget, { phase: 'Ready' });
  const error: unknown = await writeStatus(client, widgets, widget, { phase: 'Old' }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isConflict(error));
  assert.is((await client.get(widgets, { name: 'a' })).status!.phase, 'Ready');
});

test('a write meant for an object that was deleted and made anew does not reach the new one', async () => {
  const { client, widget } = await setUp();
  await client.delete(widgets, { name: 'a' });
  const anew = await client.create(widgets, { ...widget, metadata: { name: 'a' } });
  const mixed = { ...widget, metadata: { ...widget.metadata, resourceVersion: anew.metadata.resourceVersion } };
  const error: unknown = await writeStatus(client, widgets, mixed, {}).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isConflict(error));
});

test('finalizers are put on and taken off once, and others stay', async () => {
  const { client, widget, exchanges } = await setUp();
  const one = await addFinalizer(client, widgets, widget, 'x/one');
  const both = await addFinalizer(client, widgets, one, 'x/two');
  assert.equal(both.metadata.finalizers, ['x/one', 'x/two']);
  assert.is(await addFinalizer(client, widgets, both, 'x/two'), both);
  await removeFinalizer(client, widgets, both, 'x/one');
  assert.equal((await client.get(widgets, { name: 'a' })).metadata.finalizers, ['x/two']);
  const before = exchanges.length;
  await removeFinalizer(client, widgets, widget, 'x/one');
  assert.is(exchanges.length, before);
});

test('taking a finalizer off an object that is gone is no error', async () => {
  const { client, widget } = await setUp();
  const held = await addFinalizer(client, widgets, widget, 'x/one');
  await client.delete(widgets, { name: 'a' });
  await removeFinalizer(client, widgets, held, 'x/one');
});

test.run();
