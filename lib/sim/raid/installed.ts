// A vendor's program on this process's PATH, over a recording, and the tree of files that the kernel would show beside it:
// for as long as the scope it is made in.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { delimiter, join } from 'node:path';
import { tempDir } from '../../testing/temp-dir.ts';

export interface InstalledTool extends AsyncDisposable {
  /** Where sysfs is. */
  readonly sys: string;
  /** The arguments of each start so far. */
  calls(): string[][];
  /** An answer, or an error's text, for commands that have that in them. */
  refuse(part: string, answer: unknown): void;
}

export async function installTool(
  name: 'storcli64' | 'perccli64' | 'ssacli',
  recording: string,
): Promise<InstalledTool> {
  const dir = await tempDir('bmp-raid-');
  const [bin, sys] = [join(dir.path, 'bin'), join(dir.path, 'sys')];
  for (const folder of [bin, join(sys, 'block')]) mkdirSync(folder, { recursive: true });
  const program = join(bin, 'program.js');
  // As JavaScript: it is started hundreds of times, and taking its types away is most of what a start costs.
  for (const [source, place] of [
    [name === 'ssacli' ? 'ssacli.ts' : 'storcli.ts', program],
    ['kernel.ts', join(bin, 'kernel.js')],
  ] as const) {
    const script = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, source), 'utf8'));
    writeFileSync(place, script.replace("'./kernel.ts'", "'./kernel.js'"));
  }
  writeFileSync(join(bin, 'package.json'), '{"type":"module"}');
  copyFileSync(recording, join(dir.path, name === 'ssacli' ? 'state.txt' : 'state.json'));
  writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${program}' '${dir.path}' "$@"\n`, {
    mode: 0o755,
  });
  const before = process.env.PATH;
  process.env.PATH = [bin, before].join(delimiter);
  const calls = join(dir.path, 'calls');
  const refusals = join(dir.path, 'refusals.json');
  return {
    sys,
    calls: () =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as string[])
        : [],
    refuse(part, answer) {
      const others = existsSync(refusals) ? (JSON.parse(readFileSync(refusals, 'utf8')) as object) : {};
      writeFileSync(refusals, JSON.stringify({ ...others, [part]: answer }));
    },
    async [Symbol.asyncDispose]() {
      process.env.PATH = before;
      await dir[Symbol.asyncDispose]();
    },
  };
}
