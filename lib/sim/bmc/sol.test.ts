// The simulated console on ipmitool's terminal.
// test-deadline: 300
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../../testing/peers.ts';
import { LAB_ADMIN, withSimulatedBmc } from './lab.ts';

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
      let shown = '';
      const shows = async (text: string) => {
        while (!shown.includes(text)) {
          const [data] = (await once(terminal.stdout, 'data', { signal: AbortSignal.timeout(60_000) })) as [Buffer];
          shown += data.toString('latin1');
        }
      };
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

test.run();
