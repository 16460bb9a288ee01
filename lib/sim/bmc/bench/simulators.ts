// A process full of simulated BMCs for the benchmark. Started by lib/bmc/bench/fleet.ts, ends with it.
//
//   node lib/sim/bmc/bench/simulators.ts COUNT   (over IPC: sends the ports, then takes orders)

import { BENCH_ACCOUNT, type Order } from '../../../bmc/bench/orders.ts';
import { SimulatedBmc } from '../bmc.ts';
import { MemoryChassis } from '../chassis.ts';
import { NO_FAULTS } from '../faults.ts';

const count = Number(process.argv[2]);
const users = [{ name: BENCH_ACCOUNT.username, password: BENCH_ACCOUNT.password, privilege: 'administrator' }] as const;
const guid = '9b4d7b4e-3d5c-4f0a-8c1e-1f2e3d4c5b6a';

const machines: { bmc: SimulatedBmc; chassis: MemoryChassis }[] = [];
const ports: number[] = [];
for (let i = 0; i < count; i++) {
  const chassis = new MemoryChassis();
  const bmc = new SimulatedBmc({ chassis, users, guid, seed: i + 1 });
  ports.push(await bmc.listen());
  machines.push({ bmc, chassis });
}
process.send!(ports);

process.on('message', (order: Order) => {
  const { bmc, chassis } = machines[order.index]!;
  if (order.what === 'power') chassis.control(order.state === 'On' ? 'on' : 'off');
  if (order.what === 'recover') bmc.faults = NO_FAULTS;
  if (order.what === 'die') bmc.faults = { ...NO_FAULTS, silent: true };
  if (order.what === 'slow') bmc.faults = { ...NO_FAULTS, delay: [order.ms, order.ms] };
});
process.on('disconnect', () => process.exit());
