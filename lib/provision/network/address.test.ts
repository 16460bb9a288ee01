import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contains, formatAddress, isReserved, parseAddress, parseInterface, parseSubnet, pick } from './address.ts';

const again = (text: string) => formatAddress(parseAddress(text)!);

test('addresses of both versions become numbers, and their shortest text again', () => {
  assert.equal(parseAddress('192.0.2.7'), { version: 4, value: 0xc0000207n });
  assert.equal(parseAddress('2001:DB8:0:0::10'), { version: 6, value: 0x20010db8_00000000_00000000_00000010n });
  for (const text of ['0.0.0.0', '255.255.255.255', '::', '::1', '2001:db8::', '2001:db8:0:1:1:1:1:1', 'fe80::1'])
    assert.is(again(text), text);
  assert.is(again('2001:0DB8:0000::0001'), '2001:db8::1');
  for (const text of ['', '1.2.3', '1.2.3.256', '01.2.3.4', '2001:db8', 'fe80::1%eth0', '1.2.3.4/24', ':::'])
    assert.is(parseAddress(text), undefined, text);
});

test('a subnet begins at its first address', () => {
  assert.is(parseSubnet('192.0.2.0/24')?.prefix, 24);
  assert.is(parseSubnet('0.0.0.0/0')?.prefix, 0);
  for (const text of ['192.0.2.1/24', '192.0.2.0/33', '192.0.2.0', '2001:db8::/129', '2001:db8::1/64', 'x/8'])
    assert.is(parseSubnet(text), undefined, text);
  assert.is(parseInterface('192.0.2.1/24')?.prefix, 24);
});

test('what a subnet contains, and what no host can have of it', () => {
  const at = (text: string) => parseAddress(text)!;
  const subnet = parseSubnet('192.0.2.0/29')!;
  assert.ok(contains(subnet, at('192.0.2.7')));
  assert.not.ok(contains(subnet, at('192.0.2.8')));
  assert.not.ok(contains(subnet, at('::c000:0207')));
  assert.ok(isReserved(subnet, at('192.0.2.0')) && isReserved(subnet, at('192.0.2.7')));
  assert.not.ok(isReserved(subnet, at('192.0.2.1')));
  assert.not.ok(isReserved(parseSubnet('192.0.2.0/31')!, at('192.0.2.0')));
  // RFC 4291 §2.6.1: the first one is any router's.
  assert.ok(isReserved(parseSubnet('2001:db8::/64')!, at('2001:db8::')));
  assert.not.ok(isReserved(parseSubnet('2001:db8::/64')!, at('2001:db8::ffff:ffff:ffff:ffff')));
});

test('a range is gone through once, from anywhere, and round its end', () => {
  const [first, last] = [parseAddress('192.0.2.10')!, parseAddress('192.0.2.13')!];
  const seen: string[] = [];
  const none = pick({ first, last }, 6n, (address) => {
    seen.push(formatAddress(address));
    return false;
  });
  assert.is(none, undefined);
  assert.equal(seen, ['192.0.2.12', '192.0.2.13', '192.0.2.10', '192.0.2.11']);
  assert.is(pick({ first, last }, 1n << 64n, () => true)?.value, first.value);
});

test.run();
