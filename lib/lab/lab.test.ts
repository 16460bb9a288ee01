// test-deadline: 300
// The lab without an operator: machines that their BMCs switch, and nothing left of them at the end, whatever the end was.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../agent/linux/command.ts';
import { openDriver } from '../bmc/open.ts';
import type { Log } from '../observe/log.ts';
import { eventually } from '../testing/eventually.ts';
import { freeUdpPort } from '../testing/free-port.ts';
import { LAB_DIRECTORY, type LabOptions, startLab } from './lab.ts';
import { labTest } from './lab-test.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const within = () => AbortSignal.timeout(120_000);

const withLab = labTest();

const options = async (name: string): Promise<LabOptions> => ({
  name,
  machines: [{ firmware: 'bios', memoryMiB: 64, disks: [16 * 1024 * 1024], bmcPort: await freeUdpPort() }],
  // Nobody is at home there: the machine finds no script, and asks again.
  operator: { port: 9, bootPort: 10 },
  log,
});

async function says(console: Duplex, text: string): Promise<void> {
  let said = '';
  for await (const bytes of console as AsyncIterable<Buffer>) {
    said += bytes.toString('latin1');
    if (said.includes(text)) return;
  }
  assert.unreachable(`the console ended without ${text}`);
}

const networks = async () => (await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0]);

withLab('a machine is switched by its BMC, says so on its console, and leaves nothing', async () => {
  const name = `test-${process.pid}`;
  const lab = await startLab(await options(name));
  const [machine] = lab.machines;
  const driver = openDriver(
    { address: machine!.bmcAddress, credentials: lab.credentials },
    { ipmi: { schedule: Array.from({ length: 100 }, () => 500) } },
  );
  try {
    assert.is(await driver.power(within()), 'Off');
    await driver.setBootDevice({ device: 'pxe', persistent: false, mode: 'BIOS' }, within());
    assert.is((await driver.bootDevice(within())).device, 'pxe');
    const console = await driver.console(within());
    await driver.setPower('on', within());
    assert.is(await driver.power(within()), 'On');
    assert.is((await driver.bootDevice(within())).device, 'none', 'an override is for one boot');
    await says(console, machine!.address);
    await driver.setPower('off', within());
    assert.is(await driver.power(within()), 'Off');
    assert.not(machine!.isOn());
    assert.is(machine!.powerOns, 1);
    await driver.setPower('on', within());
    assert.ok((await networks()).includes(`bmp-${name}`));
  } finally {
    await driver.close();
    await lab.close();
  }
  assert.not(machine!.isOn());
  assert.not((await networks()).includes(`bmp-${name}`));
  assert.not(existsSync(join(LAB_DIRECTORY, name)));
});

withLab('what a killed lab leaves ends with it, and the next one removes the rest', async () => {
  const name = `test-killed-${process.pid}`;
  const source = `
    import { startLab } from ${JSON.stringify(new URL('./lab.ts', import.meta.url).pathname)};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const lab = await startLab({ ...${JSON.stringify(await options(name))}, log });
    await lab.machines[0].powerOn();
    console.log('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  assert.is(line, 'up');
  assert.ok((await run('ip', ['netns', 'pids', `bmp-${name}`])) !== '');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const isMachineLeft = async () => {
    const pids = (await run('ip', ['netns', 'pids', `bmp-${name}`])).split('\n').filter(Boolean);
    const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8')));
    return names.some((each) => each.startsWith('qemu'));
  };
  await eventually(async () => !(await isMachineLeft()), { what: 'the machine goes with its lab' });
  const next = await startLab(await options(`test-${process.pid}`));
  await next.close();
  assert.not((await networks()).includes(`bmp-${name}`));
  assert.not(existsSync(join(LAB_DIRECTORY, name)));
});

test.run();
