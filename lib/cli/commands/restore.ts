// `bmp restore`: the embedded API server's objects as they were at a backup.
import { resolve } from 'node:path';
import { type Command, text } from '../command.ts';
import { restore as read } from '../snapshot.ts';

const help = `Usage: bmp restore FILE [options]

Makes the objects of "bmp start" what they were when "bmp backup" wrote FILE: all of them at once, or, where that fails, none.
The server may be running: whoever watches sees what changes. resourceVersions never go back.

  --dir DIR    what "bmp start" was told (default .bmp); made when there is none

Where Secrets in FILE need a key of another directory, copy the lines of that one's state.db.key to the end of this one's.

Example, on a new machine:
  bmp restore monday.db --dir .bmp`;

export const restore: Command = {
  name: 'restore',
  summary: "make the embedded API server's objects those of a backup",
  help,
  operands: { least: 1, most: 1 },
  options: { dir: { type: 'string' } },
  async run(values, _, [path]) {
    const dir = resolve(text(values, 'dir') ?? '.bmp');
    const { created, updated, deleted, unchanged } = await read(dir, resolve(path!));
    console.log(
      `restored in ${dir}: ${created} objects created, ${updated} updated, ${deleted} deleted, ${unchanged} as they were`,
    );
    return 0;
  },
};
