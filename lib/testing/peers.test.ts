import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findProgram, requirePeer, requirePythonPeer } from './peers.ts';

test('an installed program is found, a missing one is not', () => {
  assert.type(findProgram('sh'), 'string');
  assert.is(findProgram('no-such-program-anywhere'), undefined);
  assert.is(findProgram('sh', ''), undefined);
});

test('a missing peer is skipped by people and fails in CI, naming its package', () => {
  assert.is(requirePeer('no-such-program', 'some-package', { PATH: '/usr/bin' }), false);
  assert.throws(() => requirePeer('no-such-program', 'some-package', { PATH: '/usr/bin', CI: 'true' }), /some-package/);
});

test('the same for modules of Python', () => {
  assert.is(requirePythonPeer('no_such_module', 'some-package', {}), false);
  assert.throws(() => requirePythonPeer('no_such_module', 'some-package', { CI: 'true' }), /some-package/);
});

test.run();
