import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from './address.ts';
import type { BmcError } from './errors.ts';

const PORTS = { ipmi: 623, redfish: 443 };

test('hosts, ports and schemes are read', () => {
  assert.equal(parseAddress('ipmi://192.0.2.10', PORTS), { scheme: 'ipmi', host: '192.0.2.10', port: 623 });
  assert.equal(parseAddress('IPMI://bmc-1.example.org:6230/', PORTS), {
    scheme: 'ipmi',
    host: 'bmc-1.example.org',
    port: 6230,
  });
  assert.equal(parseAddress('redfish://[2001:db8::1]', PORTS), { scheme: 'redfish', host: '2001:db8::1', port: 443 });
});

test('everything else is refused', () => {
  for (const address of [
    '',
    '192.0.2.10',
    'ipmi:192.0.2.10',
    'ipmi://',
    'ipmi://host:0',
    'ipmi://host:65536',
    'ipmi://host/path',
    'ipmi://host?x=1',
    'ipmi://[192.0.2.10]',
    'ipmi://[::g]',
    'ipmi://a b',
    'ipmi://-a',
    'snmp://host',
  ]) {
    assert.throws(
      () => parseAddress(address, PORTS),
      (error: BmcError) => error.code === 'unsupported',
      address,
    );
  }
});

test('an unknown scheme names the known ones', () => {
  assert.throws(() => parseAddress('snmp://host', PORTS), /ipmi:\/\/, redfish:\/\//);
});

test('credentials in an address are refused and not repeated', () => {
  const throwsWithout = (address: string) =>
    assert.throws(
      () => parseAddress(address, PORTS),
      (error: BmcError) => error.code === 'unsupported' && !error.message.includes('secret'),
    );
  throwsWithout('ipmi://admin:secret@host');
  throwsWithout('admin:secret@host');
});

test.run();
