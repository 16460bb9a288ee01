import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { openAuditLog } from './audit-log.ts';

test('a line for each record, in order, for the owner alone; a file that is moved away is begun anew', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 'audit.log');
  const log = openAuditLog(path, createLogRecorder());
  for (let at = 0; at < 20; at++) log.write({ at, message: 'two\nlines' });
  await log.flushed();
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  assert.equal(
    lines.map((line) => (JSON.parse(line) as { at: number }).at),
    Array.from({ length: 20 }, (_, at) => at),
  );
  assert.is((await stat(path)).mode & 0o777, 0o600);
  await rename(path, `${path}.1`);
  log.write({ at: 20 });
  await log.flushed();
  assert.is(await readFile(path, 'utf8'), '{"at":20}\n');
});

test('what cannot be written is told in the other log, and stops nothing', async () => {
  await using dir = await tempDir();
  const told = createLogRecorder();
  const log = openAuditLog(join(dir.path, 'no-such-folder', 'audit.log'), told);
  log.write({ at: 1 });
  await log.flushed();
  assert.ok(JSON.stringify(told).includes('cannot be written'));
});

test.run();
