import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { discoveryScript, parseDiscovery } from './discovery.ts';

test('a machine is told to say what it is, and to boot on whatever comes of it', () => {
  const script = discoveryScript('http://192.0.2.1:6281', '52:54:00:00:00:01');
  assert.ok(script.startsWith('#!ipxe\n') && script.endsWith('exit\n'));
  assert.match(
    script,
    /^imgfetch --timeout 5000 http:\/\/192.0.2.1:6281\/discovery\/v1\/52-54-00-00-00-01\?serial=\$\{serial:uristring\}&\S+&ip=\$\{netX\/ip\} \|\|$/m,
  );
});

test('what it says is taken as text, and no more of it than has room', () => {
  const said = '?serial=7C1%20QX3&manufacturer=Acme%0A%00&product=&uuid=4c4c4544-0043';
  assert.equal(parseDiscovery(`/discovery/v1/52-54-00-00-00-0A${said}`, '192.0.2.9'), {
    macAddress: '52:54:00:00:00:0a',
    address: '192.0.2.9',
    serialNumber: '7C1 QX3',
    manufacturer: 'Acme',
    uuid: '4c4c4544-0043',
  });
  assert.is(parseDiscovery('/discovery/v1/52-54-00-00-00-0A?ip=10.0.0.7', '192.0.2.9')?.address, '10.0.0.7');
  for (const none of ['', '10.0.0', 'x'.repeat(70)])
    assert.is(parseDiscovery(`/discovery/v1/52-54-00-00-00-0A?ip=${none}`, '192.0.2.9')?.address, '192.0.2.9', none);
  const long = parseDiscovery(`/discovery/v1/52:54:00:00:00:01?serial=${'x'.repeat(5000)}`, undefined);
  assert.is(long?.serialNumber?.length, 128);
  for (const path of ['/discovery/v1/', '/discovery/v1/x', '/discovery/v1/52-54-00-00-00-01/x'])
    assert.is(parseDiscovery(path, undefined), undefined, path);
});

test.run();
