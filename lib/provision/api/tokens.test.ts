import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bootToken, readBootToken, readSessionToken, readSystemToken, sessionToken, systemToken } from './tokens.ts';

const key = randomBytes(32);
const boot = { device: 'r1-01', deviceUID: 'd-1', operationId: 'o-1', boot: 2 };
const session = { ...boot, nonceHash: 'ab'.repeat(32), expiresAt: '2026-01-01T00:10:00Z' };
const before = Date.parse('2026-01-01T00:00:00Z');

test('every token gives back the claims that it was issued for', () => {
  assert.equal(readBootToken(key, bootToken(key, boot)), boot);
  assert.equal(readSessionToken(key, sessionToken(key, session), before), session);
  const system = { device: 'r1-01', deviceUID: 'd-1', instanceUID: 'i-1' };
  assert.equal(readSystemToken(key, systemToken(key, system)), system);
  const installed = { ...system, operationId: 'o-1' };
  assert.equal(readSystemToken(key, systemToken(key, installed)), installed);
});

test('a boot token is the same each time, and another for another boot, operation, device or key', () => {
  const token = bootToken(key, boot);
  assert.is(bootToken(key, { ...boot }), token);
  const others = [
    bootToken(key, { ...boot, boot: 3 }),
    bootToken(key, { ...boot, operationId: 'o-2' }),
    bootToken(key, { ...boot, deviceUID: 'd-2' }),
    bootToken(randomBytes(32), boot),
  ];
  assert.is(new Set([token, ...others]).size, 5);
});

test('a session is over when its time has come', () => {
  const token = sessionToken(key, session);
  assert.is(readSessionToken(key, token, Date.parse(session.expiresAt)), undefined);
  assert.is(readSessionToken(key, sessionToken(key, { ...session, expiresAt: 'never' }), before), undefined);
});

test('a token is good for its own purpose and key only', () => {
  assert.is(readSessionToken(key, bootToken(key, boot), before), undefined);
  assert.is(readBootToken(key, sessionToken(key, session)), undefined);
  assert.is(readSystemToken(key, bootToken(key, boot)), undefined);
  assert.is(readBootToken(randomBytes(32), bootToken(key, boot)), undefined);
});

test('no change of a single character is let through', () => {
  const token = bootToken(key, boot);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A';
    const changed = token.slice(0, at) + other + token.slice(at + 1);
    const read = readBootToken(key, changed);
    // The last character of base64 carries bits that are not part of the value.
    if (at < token.length - 1) assert.is(read, undefined, `changed at ${at}`);
  }
  for (const bad of ['', '.', 'a.b', `${token}.`, `${token}.x`, 'x'.repeat(5000)]) {
    assert.is(readBootToken(key, bad), undefined);
  }
});

test('a key of another length is refused', () => {
  assert.throws(
    () => bootToken(randomBytes(16), boot),
    (error: Error) => error instanceof RangeError,
  );
});

test.run();
