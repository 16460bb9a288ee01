// The programs of RAID controllers' vendors, put into the live OS. Their licences let nobody pass them on: whoever runs the
// operator fetches them from the vendor, and gives them to the build.
import { chmod, copyFile, glob, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../../agent/linux/command.ts';

/** What the agent runs. */
const PROGRAMS: ReadonlySet<string> = new Set(['storcli64', 'perccli64', 'ssacli']);
const LIBRARY = /\.so(\.[\w.-]+)?$/;

/**
 * Takes programs, libraries that they need, and Debian packages that hold programs.
 * @param tools the folder that holds them
 * @param root of the live OS
 * @returns names of the programs that it has now
 * @throws where a file is none of these, or a package holds no such program: a build that left it out would be found out too late
 */
export async function putTools(tools: string, root: string): Promise<string[]> {
  const work = await mkdtemp(join(tmpdir(), 'bmp-tools-'));
  const found: string[] = [];
  const put = async (file: string) => {
    const name = basename(file);
    const place = join(root, LIBRARY.test(name) ? 'usr/lib' : 'usr/sbin');
    await mkdir(place, { recursive: true });
    await copyFile(file, join(place, name));
    await chmod(join(place, name), 0o755);
    if (PROGRAMS.has(name)) found.push(name);
  };
  try {
    for (const name of (await readdir(tools)).sort()) {
      const file = join(tools, name);
      if (PROGRAMS.has(name) || LIBRARY.test(name)) await put(file);
      else if (name.endsWith('.deb')) {
        const tree = join(work, name);
        await run('dpkg-deb', ['--extract', file, tree]);
        const programs: string[] = [];
        for await (const entry of glob('**/*', { cwd: tree, withFileTypes: true }))
          if (entry.isFile() && PROGRAMS.has(entry.name)) programs.push(join(entry.parentPath, entry.name));
        if (programs.length === 0) throw new Error(`${file} holds none of ${[...PROGRAMS].join(', ')}`);
        for (const path of programs) await put(path);
      } else throw new Error(`${file} is none of ${[...PROGRAMS].join(', ')}, no library (.so) and no package (.deb)`);
    }
    return [...new Set(found)].sort();
  } finally {
    await rm(work, { recursive: true });
  }
}
