import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from './command.ts';
import { readSecret } from './secret-input.ts';

const terminal = () => Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
const piped = (text: string) => {
  const input = new PassThrough();
  input.end(text);
  return input;
};

test('what is typed is not shown, and may be corrected', async () => {
  const [input, output] = [terminal(), new PassThrough()];
  const secret = readSecret('password: ', input, output);
  input.write('s3crex\x7ft\r');
  assert.is(await secret, 's3cret');
  assert.is(String(output.read()), 'password: \n');
});

test('Ctrl-C and Ctrl-D give none', async () => {
  for (const key of ['\x03', '\x04']) {
    const input = terminal();
    const secret = readSecret('password: ', input, new PassThrough()).catch((error: unknown) => error);
    input.write(key);
    const error = await secret;
    assert.instance(error, UsageError);
    assert.match((error as Error).message, 'no password was given');
  }
});

test('of an input that nobody types all is taken, one line', async () => {
  const output = new PassThrough();
  assert.is(await readSecret('password: ', piped('s3cret\n'), output), 's3cret');
  assert.is(output.read(), null);
  for (const text of ['', '\n', 'two\nlines\n']) {
    const error = await readSecret('password: ', piped(text), output).catch((each: unknown) => each);
    assert.instance(error, UsageError, JSON.stringify(text));
  }
});

test.run();
