// The simulated machine does what every implementation of the hardware interface must do.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CONFORMANCE, CONTROLLER_CONFORMANCE } from '../../agent/conformance.ts';
import { bareHardware } from './bare-hardware.ts';

function machine(power: AbortSignal, index = 0) {
  const { store, hardware, profile } = bareHardware(power, index);
  const [root, other] = profile.inventory.disks;
  return { store, hardware, profile, serial: root!.serialNumber, other: other!.serialNumber };
}

for (const { name, run } of CONFORMANCE) {
  test(name, async () => {
    const { store, hardware, serial, other } = machine(new AbortController().signal);
    using _store = store;
    await run(hardware, serial, other);
  });
}

for (const { name, run } of CONTROLLER_CONFORMANCE) {
  test(name, async () => {
    const { store, hardware, profile } = machine(new AbortController().signal, 3);
    using _store = store;
    const kept = profile.inventory.disks.flatMap((disk) => (disk.controller ? [disk.serialNumber] : []));
    await run(hardware, [kept[0]!, kept[1]!], profile.inventory.controllers![0]!.serialNumber!);
  });
}

test('when the power goes, nothing is touched any more, whatever is under way', async () => {
  const power = new AbortController();
  const { store, hardware, serial } = machine(power.signal);
  using _store = store;
  async function* source() {
    yield Buffer.alloc(1024 * 1024, 1);
    power.abort(new Error('off'));
    yield Buffer.alloc(1024 * 1024, 1);
  }
  const never = new AbortController().signal;
  const failed = (work: Promise<unknown>) =>
    work.then(
      () => false,
      () => true,
    );
  assert.ok(await failed(hardware.write(serial, 0, source(), never)));
  assert.is(store.chunksUsed(serial), 4);
  assert.ok(await failed(hardware.wipe(serial, () => undefined, never)));
  assert.ok(await failed(hardware.writeSeed(serial, {}, never)));
  assert.is(store.chunksUsed(serial), 4);
});

test.run();
