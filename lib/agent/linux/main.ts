// What the live OS starts: the agent over this machine, told by the kernel's command line where its operator is.
//
// It ends when the operator refuses this boot. Then the machine waits for its power switch, which the operator has.
import { readFile } from 'node:fs/promises';
import { runAgent } from '../agent.ts';
import { agentArguments } from '../arguments.ts';
import { consoleLog } from './console-log.ts';
import { linuxHardware } from './hardware.ts';

const log = consoleLog(process.stdout);
const found = agentArguments(await readFile('/proc/cmdline', 'utf8'));
if (!found) {
  log.error({}, 'the kernel command line names no operator: this boot was not meant for the agent');
  process.exit(1);
}
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(new Error(signal)));
log.info({ url: found.url }, 'agent started');
const end = await runAgent({ ...found, hardware: linuxHardware(), signal: stop.signal, log });
log.info({ end }, 'agent ended');
