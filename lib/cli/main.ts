// The command line: finds the command, reads its options, explains itself.
import { parseArgs } from 'node:util';
import { type Command, UsageError } from './command.ts';
import { adopt } from './commands/adopt.ts';
import { backup } from './commands/backup.ts';
import { completionOf } from './commands/completion.ts';
import { consoleOf } from './commands/console.ts';
import { defragment } from './commands/defragment.ts';
import { describe, history } from './commands/describe.ts';
import { dhcp } from './commands/dhcp.ts';
import { fleet } from './commands/fleet.ts';
import { get } from './commands/get.ts';
import { image } from './commands/image.ts';
import { importMachines } from './commands/import.ts';
import { lab } from './commands/lab.ts';
import { logs } from './commands/logs.ts';
import { maintenance, putAway, takeDown } from './commands/offer.ts';
import { power } from './commands/power.ts';
import {
  cancel,
  collect,
  liftQuarantine,
  reinstall,
  resetPassword,
  resetStatus,
  restart,
  rotatePassword,
} from './commands/requests.ts';
import { rest } from './commands/rest.ts';
import { restore } from './commands/restore.ts';
import { run } from './commands/run.ts';
import { simulate } from './commands/simulate.ts';
import { start } from './commands/start.ts';
import { sync } from './commands/sync.ts';
import { why } from './commands/why.ts';
import type { StartOperator } from './operator.ts';

/** What runs somewhere, and what people do to the objects of a cluster. */
const GROUPS: Readonly<Record<string, readonly Command[]>> = {
  'Run it': [start, run, dhcp, rest, fleet, lab, sync, backup, restore],
  'See what it does': [get, describe, history, why, simulate, defragment],
  Instances: [power, restart, reinstall, resetPassword, cancel],
  Devices: [importMachines, adopt, putAway, takeDown, maintenance, collect, liftQuarantine, rotatePassword],
  Both: [consoleOf, logs, resetStatus],
  Images: [image],
  Shells: [completionOf(() => COMMANDS)],
};
const COMMANDS = Object.values(GROUPS).flat();

const width = Math.max(...COMMANDS.map(({ name }) => name.length));
const listOf = (commands: readonly Command[]) =>
  commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
const usage = `bmp runs bare metal and places virtual machines on it, the Kubernetes way.

Usage: bmp COMMAND [options]

${Object.entries(GROUPS)
  .map(([title, commands]) => `${title}:\n${listOf(commands)}`)
  .join('\n')}

"bmp COMMAND --help" tells more. Everything else is done with kubectl: the kinds are Device, Instance, Placement and
what belongs to them ("kubectl explain instance.spec").`;

/** Runs one command; the exit code: 0 it did what was asked, 1 it failed, 2 it was not understood. */
export async function main(args: readonly string[], startOperator: StartOperator): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log(usage);
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    console.error(`bmp: there is no command "${name}"\n\n${usage}`);
    return 2;
  }
  try {
    const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const;
    const { least, most } = command.operands ?? { least: 0, most: 0 };
    const { values, positionals } = parseArgs({ args: rest, options, strict: true, allowPositionals: most > 0 });
    if (values.help) {
      console.log(command.help);
      return 0;
    }
    if (positionals.length < least || positionals.length > most)
      throw new UsageError(`takes ${least === most ? least : `${least} to ${most}`} words, not ${positionals.length}`);
    return await command.run(values, startOperator, positionals);
  } catch (error) {
    if (error instanceof UsageError || isParseError(error)) {
      console.error(`bmp ${name}: ${error.message}\n\n${command.help}`);
      return 2;
    }
    console.error(`bmp ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

const isParseError = (error: unknown): error is Error =>
  error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
