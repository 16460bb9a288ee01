import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentArguments } from './arguments.ts';

const fingerprint = 'ab'.repeat(32);
const line = `quiet bmp.url=https://192.0.2.1:8443 bmp.fingerprint=${fingerprint} bmp.token=a.b console=ttyS0`;

test('the agent finds its operator on the command line', () => {
  assert.equal(agentArguments(line), { url: 'https://192.0.2.1:8443', fingerprint, token: 'a.b' });
});

test('a command line that is not whole is not for the agent', () => {
  for (const name of ['bmp.url', 'bmp.fingerprint', 'bmp.token']) {
    assert.is(agentArguments(line.replace(`${name}=`, 'other=')), undefined, name);
  }
  assert.is(agentArguments(line.replace('https:', 'http:')), undefined, 'never without TLS');
  assert.is(agentArguments(line.replace(fingerprint, 'short')), undefined);
  assert.is(agentArguments(''), undefined);
});

test.run();
