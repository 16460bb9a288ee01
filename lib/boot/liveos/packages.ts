// Debian's packages, fetched with apt and unpacked, never installed: their programs go into the live OS, not onto this
// machine. apt checks their signatures.
import { access, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../agent/linux/command.ts';

/** The package that a metapackage stands for: linux-image-cloud-amd64 → linux-image-6.1.0-…-cloud-amd64. */
export async function dependencyLike(metapackage: string, prefix: string): Promise<string> {
  const output = await run('apt-cache', ['depends', metapackage]);
  const found = [...output.matchAll(/^\s+Depends: (\S+)$/gm)]
    .map(([, name]) => name!)
    .find((name) => name.startsWith(prefix));
  if (found === undefined) throw new Error(`${metapackage} depends on no package named ${prefix}…`);
  return found;
}

const ONLY_DEPENDS = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (kind) => `--no-${kind}`,
);

/** The packages with all that they depend on. */
export async function closure(packages: readonly string[]): Promise<string[]> {
  const output = await run('apt-cache', ['depends', '--recurse', ...ONLY_DEPENDS, ...packages]);
  // Names begin their line; what is virtual stands in angle brackets, another architecture behind a colon.
  const names = output.split('\n').filter((line) => /^[a-z0-9][a-z0-9+.-]*$/.test(line));
  return [...new Set(names)].sort();
}

/** Fetches what the cache lacks and unpacks each into one folder. Gives the files' names, which tell the versions. */
export async function unpack(packages: readonly string[], cache: string, into: string): Promise<string[]> {
  await mkdir(cache, { recursive: true });
  const output = await run('apt-get', ['download', '--print-uris', ...packages]);
  const files = [...output.matchAll(/^'\S+' (\S+\.deb) /gm)].map(([, file]) => file!).sort();
  if (files.length < packages.length) throw new Error(`apt knows only ${files.join(', ')} of ${packages.join(', ')}`);
  const there = new Set(await readdir(cache));
  const missing = packages.filter((name) => !files.some((file) => file.startsWith(`${name}_`) && there.has(file)));
  // apt-get writes into the folder that it is started in.
  if (missing.length > 0) await run('env', ['-C', cache, 'apt-get', 'download', '--quiet', ...missing]);
  for (const file of files) {
    await access(join(cache, file));
    await run('dpkg-deb', ['--extract', join(cache, file), into]);
  }
  return files;
}
