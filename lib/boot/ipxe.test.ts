import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BootScript, ipxeScript, retryScript } from './ipxe.ts';

const isRangeError = (error: Error) => error instanceof RangeError;

const script: BootScript = {
  kernelUrl: 'http://192.0.2.1/vmlinuz',
  initrdUrl: 'http://192.0.2.1/initrd',
  url: 'https://192.0.2.1:8443',
  fingerprint: 'ab'.repeat(32),
  token: 'abc.def-_',
  macAddress: '52:54:00:00:00:01',
  kernelArguments: ['console=ttyS0'],
};

test('the script loads kernel and initrd and says where the operator is', () => {
  const text = ipxeScript(script);
  assert.ok(text.startsWith('#!ipxe\n'));
  const kernel = text.split('\n').find((line) => line.startsWith('kernel '))!;
  assert.is(
    kernel,
    `kernel --name kernel http://192.0.2.1/vmlinuz initrd=initrd bmp.url=https://192.0.2.1:8443 bmp.fingerprint=${'ab'.repeat(32)} bmp.token=abc.def-_ BOOTIF=01-52-54-00-00-00-01 console=ttyS0 || goto again`,
  );
  const { kernelArguments: _, ...plain } = script;
  assert.ok(ipxeScript(plain).includes(' console=tty0 console=ttyS0,115200 quiet || '));
  assert.ok(text.includes('initrd --name initrd http://192.0.2.1/initrd'));
});

test('a machine that is not known yet asks again', () => {
  assert.is(retryScript('http://192.0.2.1/x').split('\n').at(-2), 'chain --autofree --replace http://192.0.2.1/x');
});

test('nothing that would become another argument or command gets in', () => {
  for (const bad of ['a b', 'a\nb', '$x', 'a||b', 'a&b', '', 'ü']) {
    assert.throws(() => ipxeScript({ ...script, token: bad }), isRangeError);
    assert.throws(() => ipxeScript({ ...script, kernelArguments: [bad] }), isRangeError);
  }
});

test.run();
