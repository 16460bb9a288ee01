// The simulated console on ipmitool's terminal, and on freeipmi's.
// test-deadline: 300
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../../testing/peers.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import type { MemoryChassis } from './chassis.ts';
import { LAB_ADMIN, withSimulatedBmc } from './lab.ts';

/** Waits until a text has been shown, all that came before it included. */
function shownBy({ stdout }: ChildProcessWithoutNullStreams): (text: string) => Promise<void> {
  let shown = '';
  return async (text) => {
    while (!shown.includes(text)) {
      const [data] = (await once(stdout, 'data', { signal: AbortSignal.timeout(60_000) })) as [Buffer];
      shown += data.toString('latin1');
    }
  };
}

/** Types at `command`, a terminal's console of the machine on `chassis`, until the keys `leave` end it. */
async function typeAt(
  command: string,
  env: Record<string, string>,
  chassis: MemoryChassis,
  told: { readonly begin: string; readonly leave: string; readonly end: string },
): Promise<void> {
  // It wants a terminal: script (Debian bsdutils, always installed) makes one.
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'dumb', LC_ALL: 'C', ...env },
  });
  try {
    const shows = shownBy(terminal);
    const ends = once(terminal, 'exit');
    await shows(told.begin);
    chassis.serial.print(Buffer.from('login: '));
    await shows('login: ');
    terminal.stdin.write('root');
    await shows('root'); // the simulated port says back what it hears
    terminal.stdin.write(told.leave);
    await shows(told.end);
    await ends;
  } finally {
    terminal.kill();
  }
}

peerTest('ipmitool', 'ipmitool')(
  'ipmitool shows what the machine prints, and the machine hears what is typed',
  async () => {
    await withSimulatedBmc(async ({ bmc, chassis, port }) => {
      const { username, password } = LAB_ADMIN;
      const command = `ipmitool -I lanplus -C 17 -H 127.0.0.1 -p ${port} -U ${username} -E sol activate`;
      const told = { begin: 'SOL Session operational', leave: '\r~.', end: 'terminated ipmitool' };
      await typeAt(command, { IPMI_PASSWORD: password }, chassis, told);
      assert.is(bmc.sessions, 0);
    });
  },
);

/** ipmiconsole knows no other port, and that is for root alone: each test has a loopback address of its own for it. */
const PORT = 623;
const ownAddress = () => `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env.CI === 'true') throw new Error(`ipmiconsole needs port ${PORT}, and so root`);
const withConsole = isRoot ? peerTest('ipmiconsole', 'freeipmi-tools') : (name: string) => test.skip(name);

for (const suite of [3, 17]) {
  withConsole(`freeipmi, suite ${suite}: the same`, async () => {
    const { username, password } = LAB_ADMIN;
    await withSimulatedBmc(async ({ bmc, chassis }) => {
      await bmc.close();
      const address = ownAddress();
      await bmc.listen(PORT, address);
      await using home = await tempDir('ipmiconsole-');
      const file = join(home.path, 'freeipmi.conf');
      await writeFile(file, `username ${username}\npassword ${password}\n`, { mode: 0o600 });
      const command = `ipmiconsole --config-file=${file} -h ${address} -I ${suite} -l ADMIN -e '#'`;
      const told = { begin: 'SOL established', leave: '#.', end: 'closing the connection' };
      await typeAt(command, { HOME: home.path }, chassis, told);
      assert.is(bmc.sessions, 0);
    });
  });
}

test.run();
