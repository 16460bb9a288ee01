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
import { SimulatedBmc } from './bmc.ts';
import { MemoryChassis } from './chassis.ts';
import { LAB_ADMIN, LAB_GUID, withSimulatedBmc } from './lab.ts';

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

const withTool = peerTest('ipmitool', 'ipmitool');

withTool('ipmitool shows what the machine prints, and the machine hears what is typed', async () => {
  await withSimulatedBmc(async ({ bmc, chassis, port }) => {
    const { username, password } = LAB_ADMIN;
    const command = `ipmitool -I lanplus -C 17 -H 127.0.0.1 -p ${port} -U ${username} -E sol activate`;
    // It wants a terminal: script (Debian bsdutils, always installed) makes one.
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'dumb', IPMI_PASSWORD: password },
    });
    try {
      const shows = shownBy(terminal);
      const ends = once(terminal, 'exit');
      await shows('SOL Session operational');
      chassis.serial.print(Buffer.from('login: '));
      await shows('login: ');
      terminal.stdin.write('root');
      await shows('root'); // the simulated port says back what it hears
      terminal.stdin.write('\r~.');
      await shows('terminated ipmitool');
      await ends;
      assert.is(bmc.sessions, 0);
    } finally {
      terminal.kill();
    }
  });
});

/** ipmiconsole knows no other port, and that is for root alone: each test has a loopback address of its own for it. */
const PORT = 623;
const ownAddress = () => `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
const withConsole: typeof withTool =
  process.getuid?.() === 0 ? peerTest('ipmiconsole', 'freeipmi-tools') : (name, run) => test.skip(name, run);

for (const suite of [3, 17]) {
  withConsole(`freeipmi, suite ${suite}: the same`, async () => {
    const { username, password } = LAB_ADMIN;
    const chassis = new MemoryChassis();
    const users = [{ name: username, password, privilege: 'administrator' }] as const;
    const bmc = new SimulatedBmc({ chassis, users, guid: LAB_GUID });
    const address = ownAddress();
    await bmc.listen(PORT, address);
    await using home = await tempDir('ipmiconsole-');
    const file = join(home.path, 'freeipmi.conf');
    await writeFile(file, `username ${username}\npassword ${password}\n`, { mode: 0o600 });
    const command = `ipmiconsole --config-file=${file} -h ${address} -I ${suite} -l ADMIN -e '#'`;
    const env = { PATH: process.env.PATH, HOME: home.path, TERM: 'dumb', LC_ALL: 'C' };
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { env });
    try {
      const shows = shownBy(terminal);
      const ends = once(terminal, 'exit');
      await shows('SOL established');
      chassis.serial.print(Buffer.from('login: '));
      await shows('login: ');
      terminal.stdin.write('root');
      await shows('root'); // the simulated port says back what it hears
      terminal.stdin.write('#.');
      await shows('closing the connection');
      await ends;
      assert.is(bmc.sessions, 0);
    } finally {
      terminal.kill();
      await bmc.close();
    }
  });
}

test.run();
