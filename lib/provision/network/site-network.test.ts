import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressName, freeAddress, networkNamed, offers, type SiteNetwork } from './site-network.ts';

const lan: SiteNetwork = {
  name: 'lan',
  subnet: '192.0.2.0/29',
  gateway: '192.0.2.1',
  range: { start: '192.0.2.0', end: '192.0.2.4' },
};
const fails = (code: string, message: RegExp) => (error: Error & { code?: string }) =>
  error.code === code && message.test(error.message);

test('every address of a range is given once, the gateway and the ends never', () => {
  const taken = new Set<string>();
  for (let at = 0; at < 3; at++) taken.add(freeAddress(lan, 'fra1', `uid-${at}/lan`, (one) => taken.has(one)));
  assert.equal([...taken].sort(), ['192.0.2.2', '192.0.2.3', '192.0.2.4']);
  assert.throws(
    () => freeAddress(lan, 'fra1', 'uid-4/lan', (one) => taken.has(one)),
    fails('AddressesExhausted', /network lan of site fra1 has no address left from 192.0.2.0 to 192.0.2.4/),
  );
});

test('whoever asks again gets the same, and two seldom the same', () => {
  const wide: SiteNetwork = {
    name: 'six',
    subnet: '2001:db8::/64',
    range: { start: '2001:db8::', end: '2001:db8::ffff:ffff:ffff' },
  };
  const asked = Array.from({ length: 200 }, (_, at) => freeAddress(wide, 'fra1', `uid-${at}/six`, () => false));
  assert.is(new Set(asked).size, asked.length);
  assert.is(
    freeAddress(wide, 'fra1', 'uid-7/six', () => false),
    asked[7],
  );
});

test('an address is still right while the range has it', () => {
  assert.ok(offers(lan, 'fra1', '192.0.2.3'));
  for (const address of ['192.0.2.5', '192.0.2.1', '198.51.100.3', '2001:db8::1', 'x'])
    assert.not.ok(offers(lan, 'fra1', address), address);
});

test('what a Site says wrongly is named', () => {
  const wrong = (change: Partial<SiteNetwork>, message: RegExp) =>
    assert.throws(() => freeAddress({ ...lan, ...change }, 'fra1', 'u', () => false), fails('BadNetwork', message));
  wrong({ subnet: '192.0.2.1/29' }, /192.0.2.1\/29 is no subnet/);
  wrong({ range: { start: '192.0.2.4', end: '192.0.2.2' } }, /ends at 192.0.2.2, before it starts/);
  wrong({ range: { start: '192.0.2.4', end: '192.0.3.2' } }, /192.0.3.2 is no address in 192.0.2.0\/29/);
  wrong({ gateway: '2001:db8::1' }, /2001:db8::1 is no address in/);
  const { range: _, ...open } = lan;
  assert.throws(() => freeAddress(open, 'fra1', 'u', () => false), fails('BadNetwork', /has no range/));
  assert.throws(
    () => networkNamed([lan], 'fra1', 'dmz'),
    fails('BadNetwork', /site fra1 has no network dmz, it has lan/),
  );
});

test('an address has one name at a Site, of which Kubernetes approves', () => {
  assert.is(addressName('fra1', '192.0.2.7'), 'fra1.192-0-2-7');
  assert.is(addressName('fra1', '2001:db8::7'), 'fra1.2001-0db8-0000-0000-0000-0000-0000-0007');
  assert.throws(() => addressName('a'.repeat(250), '192.0.2.7'), fails('BadNetwork', /too long/));
});

test.run();
