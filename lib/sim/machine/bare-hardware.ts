// A simulated machine's hardware with nothing around it, for tests: no firmware, no BMC, nobody who records.
import { systemClock } from '../../runtime/clock.ts';
import { FleetStore } from '../store.ts';
import { SimulatedDisk } from './disk.ts';
import { simulatedHardware } from './hardware.ts';
import { machineProfile } from './profile.ts';
import { INSTANT } from './types.ts';

/** The machine of that number, with power until the signal. */
export function bareHardware(power: AbortSignal, index = 0) {
  const store = new FleetStore(':memory:');
  const profile = machineProfile(1, index);
  const disks = profile.inventory.disks.map((facts) => new SimulatedDisk(facts, store));
  const hardware = simulatedHardware({
    profile,
    disks,
    store,
    timings: INSTANT,
    clock: systemClock,
    bootMode: 'UEFI',
    serialNumber: () => profile.inventory.serialNumber,
    random: Math.random,
    diskFault: () => undefined,
    raidFault: () => undefined,
    otherInventory: () => ({}),
    power,
    record: () => undefined,
  });
  return { store, profile, disks, hardware };
}
