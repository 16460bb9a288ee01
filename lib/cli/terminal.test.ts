import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attach } from './terminal.ts';

const never = new AbortController().signal;

function terminal() {
  const sent: string[] = [];
  const line = new Duplex({
    read: () => undefined,
    write(bytes: Buffer, _encoding, done) {
      sent.push(bytes.toString());
      done();
    },
  });
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  return { line, stdin, stdout, sent };
}

test('what is typed goes to the machine, up to Ctrl-], which ends it', async () => {
  const { line, stdin, stdout, sent } = terminal();
  const over = attach(line, { stdin, stdout }, never);
  line.push('login: ');
  stdin.write('root\r');
  await turn();
  stdin.write('ls\x1dnot this');
  await over;
  assert.equal(sent, ['root\r', 'ls']);
  assert.is(String(stdout.read()), 'login: ');
  assert.ok(line.destroyed);
});

test('a line that ends by itself ends it, and one that breaks says why', async () => {
  const ended = terminal();
  const over = attach(ended.line, ended, never);
  ended.line.destroy();
  await over;
  const broken = terminal();
  const failing = attach(broken.line, broken, never);
  broken.line.destroy(new Error('the BMC is gone'));
  await failing.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'the BMC is gone'),
  );
});

test('an interruption ends it', async () => {
  const { line, stdin, stdout } = terminal();
  const stop = new AbortController();
  const over = attach(line, { stdin, stdout }, stop.signal);
  stop.abort();
  await over;
  assert.ok(line.closed);
});

test('with no input it goes on, though nothing else keeps the process alive', async () => {
  const source = `
    import { Duplex } from 'node:stream';
    import { attach } from ${JSON.stringify(new URL('./terminal.ts', import.meta.url).pathname)};
    const line = new Duplex({ read() {}, write(b, e, done) { done(); } });
    const stop = new AbortController();
    process.on('SIGTERM', () => stop.abort());
    process.stdin.on('end', () => setImmediate(() => line.push('still here')));
    await attach(line, process, stop.signal);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.is(said.toString(), 'still here');
  child.kill();
  assert.equal(await exited, [0, null]);
});

test.run();
