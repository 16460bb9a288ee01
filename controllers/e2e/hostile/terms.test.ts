// Writes that fall into another one's term are found, whatever order their answers came in; nothing else is.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Entry, entryOf, strayWrites } from './terms.ts';

const DEVICE = '/apis/bmp.dev/v1alpha1/devices/a/status';
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/bmp-system/leases/bmp-operator';

function wrote(replica: string, revision: number, path = DEVICE, holderIdentity = replica): Entry {
  const metadata = { name: 'a', resourceVersion: String(revision) };
  const object = { apiVersion: 'v1', kind: 'Any', metadata, ...(path === LEASE && { spec: { holderIdentity } }) };
  return entryOf(replica, { method: 'PATCH', path, object })!;
}
const took = (replica: string, revision: number) => wrote(replica, revision, LEASE);
const gaveUp = (replica: string, revision: number) => wrote(replica, revision, LEASE, '');

test('a write in its own term is none', () => {
  assert.equal(strayWrites([took('a', 1), wrote('a', 2), gaveUp('a', 3), took('b', 4), wrote('b', 5)]), []);
});

test('a write of the old leader after the new one took the Lease is one, also when it is told of first', () => {
  const expected = [`a: PATCH ${DEVICE} became revision 4 in the term of b`];
  assert.equal(strayWrites([took('a', 1), took('b', 3), wrote('a', 4)]), expected);
  assert.equal(strayWrites([took('a', 1), wrote('a', 4), took('b', 3)]), expected);
});

test('a write that was answered late, but took hold before the new leader took the Lease, is none', () => {
  assert.equal(strayWrites([took('a', 1), took('b', 3), wrote('a', 2)]), []);
});

test('a write that changed nothing is answered with a revision of the old term, and is none', () => {
  assert.equal(strayWrites([took('a', 1), wrote('a', 2), took('b', 3), wrote('b', 2)]), []);
});

test('what is told to people is no part of a term', () => {
  assert.is(wrote('a', 3, '/api/v1/namespaces/default/events'), undefined);
});

test.run();
