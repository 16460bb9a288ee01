// Vendors' programs get into the live OS, from files and from packages, and what is not one is not passed over.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../../agent/linux/command.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { putTools } from './tools.ts';

test('programs go where they are run from, libraries where they are looked for', async () => {
  await using dir = await tempDir();
  const [tools, root] = [join(dir.path, 'tools'), join(dir.path, 'root')];
  mkdirSync(tools);
  for (const name of ['storcli64', 'libstorelibir-2.so.14.07-0', 'libx.so']) writeFileSync(join(tools, name), name);
  assert.equal(await putTools(tools, root), ['storcli64']);
  assert.is(statSync(join(root, 'usr/sbin/storcli64')).mode & 0o777, 0o755);
  assert.ok(existsSync(join(root, 'usr/lib/libx.so')));
});

test('a program is taken out of its vendor’s package', async () => {
  await using dir = await tempDir();
  const [tools, root, tree] = [join(dir.path, 'tools'), join(dir.path, 'root'), join(dir.path, 'package')];
  const home = join(tree, 'opt/smartstorageadmin/ssacli/bin');
  for (const folder of [tools, home, join(tree, 'DEBIAN')]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    'Package: ssacli\nVersion: 6.40\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n',
  );
  writeFileSync(join(home, 'ssacli'), 'the program');
  await run('dpkg-deb', ['--build', '--root-owner-group', tree, join(tools, 'ssacli-6.40.deb')]);
  assert.equal(await putTools(tools, root), ['ssacli']);
  assert.is(readFileSync(join(root, 'usr/sbin/ssacli'), 'utf8'), 'the program');
});

test('what is none of these stops the build', async () => {
  await using dir = await tempDir();
  writeFileSync(join(dir.path, 'storcli64.zip'), '');
  const why = await putTools(dir.path, join(dir.path, 'root')).then(() => 'done', String);
  assert.match(why, 'storcli64.zip is none of storcli64, perccli64, ssacli, no library (.so) and no package (.deb)');
});

test.run();
