import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Terminal } from './terminal.ts';

function opened() {
  const terminal = new Terminal(() => 'web-1');
  let shown = '';
  const close = terminal.onOutput((data) => (shown += data.toString('latin1')));
  const type = (text: string) => {
    shown = '';
    terminal.input(Buffer.from(text));
    return shown;
  };
  return { terminal, type, close, shown: () => shown };
}

test('the start is shown, and then a login prompt', () => {
  const { terminal, shown } = opened();
  for (const state of ['post', 'system-boot', 'system'] as const) terminal.show(state);
  assert.match(shown(), /Simulated firmware.*Loading Linux.*GNU\/Linux web-1 ttyS0\r\n\r\nweb-1 login: $/s);
});

test('names are echoed, passwords are not, and nobody gets in', () => {
  const { terminal, type } = opened();
  terminal.show('system');
  assert.is(type('rooot\x7f\x7ft'), 'rooot\b \b\b \bt');
  assert.is(type('\r'), '\r\nPassword: ');
  assert.is(type('secret'), '');
  assert.is(type('\r'), '\r\nLogin incorrect\r\nweb-1 login: ');
  assert.is(type('\r'), '\r\nweb-1 login: ');
});

test('nobody listens before the system runs, or after it', () => {
  const { terminal, type } = opened();
  terminal.show('post');
  assert.is(type('root\r'), '');
  terminal.show('system');
  terminal.show('off');
  assert.is(type('root\r'), '');
});

test.run();
