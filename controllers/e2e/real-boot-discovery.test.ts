// test-deadline: 1800
// test-slow
// A machine that is no Device boots from the network for real: it is told of, as its firmware tells of itself, and left alone.
// Needs root, for its network.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DISCOVERIES } from '../../lib/api/resources.ts';
import { BUILD_PROGRAMS } from '../../lib/images/build.ts';
import { labTest } from '../../lib/lab/lab-test.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { machineSpec, onRealMachines } from './real-boot.ts';

const DEADLINE = { deadlineMs: 15 * 60_000, everyMs: 500 };

labTest([...BUILD_PROGRAMS, ['ssh', 'openssh-client']])('a machine that nobody knows is discovered by its boot', () =>
  onRealMachines(
    'discovery',
    [machineSpec('bios')],
    async ({ client, lab }) => {
      const machine = lab.machines[0]!;
      machine.bootOverride = 'pxe';
      await machine.powerOn();
      const found = await eventually(async () => {
        for await (const { items } of client.pages(DISCOVERIES)) return items[0];
        return undefined;
      }, DEADLINE);
      const { bootMACAddress, address, serialNumber, manufacturer, product } = found.spec;
      assert.equal(
        { bootMACAddress, address, serialNumber, manufacturer, product },
        {
          bootMACAddress: machine.macAddress,
          // Its own, though it came through the lab's door.
          address: machine.address,
          serialNumber: machine.serialNumber,
          manufacturer: 'QEMU',
          product: 'Virtual server',
        },
      );
    },
    { change: (object) => (object.kind === 'Device' ? undefined : object) },
  ),
);

test.run();
