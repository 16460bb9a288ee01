// `bmp backup`: the embedded API server's state in one file, taken while it runs.
import { resolve } from 'node:path';
import { type Command, text } from '../command.ts';
import { backup as write } from '../snapshot.ts';

const help = `Usage: bmp backup FILE [options]

Writes all objects of "bmp start" to FILE, as they are at one moment. The server may be running; nothing waits for it.

  --dir DIR    what "bmp start" was told (default .bmp)

Secrets in FILE are encrypted, with a key that is not in it. Keep DIR/state.db.key elsewhere too, and apart from FILE.

Example:
  bmp backup monday.db`;

export const backup: Command = {
  name: 'backup',
  summary: "write the embedded API server's objects to a file",
  help,
  operands: { least: 1, most: 1 },
  options: { dir: { type: 'string' } },
  async run(values, _, [path]) {
    const dir = resolve(text(values, 'dir') ?? '.bmp');
    const file = resolve(path!);
    const { objects, revision, keys } = await write(dir, file);
    console.log(`${objects} objects, as of resourceVersion ${revision}, are in ${file}`);
    if (keys.length > 0)
      console.log(
        `Its Secrets need key ${keys.join(', ')}: keep a copy of ${dir}/state.db.key, apart from the backup.`,
      );
    return 0;
  },
};
