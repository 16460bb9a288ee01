import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogger, type LoggerOptions } from './logger.ts';

function capture(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, log: createLogger({ ...options, destination }) };
}

test('secrets are blacked out at every depth that is logged', () => {
  const { lines, log } = capture();
  log.info(
    { password: 'p1', bmc: { password: 'p2', address: 'ipmi://192.0.2.1' }, a: { b: { token: 't3' } } },
    'checked',
  );
  const line = lines.join('');
  for (const secret of ['p1', 'p2', 't3']) assert.not.ok(line.includes(secret), secret);
  assert.ok(line.includes('ipmi://192.0.2.1'));
});

test('lines are JSON with level, time and message', () => {
  const { lines, log } = capture();
  log.warn({ key: 'a/b' }, 'late');
  const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, string>;
  assert.equal(rest, { level: 'warn', key: 'a/b', msg: 'late' });
  assert.match(time!, /^\d{4}-\d\d-\d\dT/);
});

test('an error keeps its message and cause', () => {
  const { lines, log } = capture();
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
  assert.match(lines[0]!, /outer.*inner/);
});

test('what is below the level is not written', () => {
  const { lines, log } = capture({ level: 'warn' });
  log.info({}, 'quiet');
  assert.equal(lines, []);
});

test.run();
