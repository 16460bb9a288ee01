// `bmp fleet`: simulated machines for an operator that runs elsewhere.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../observe/logger.ts';
import { startFleet } from '../../sim/fleet.ts';
import { aborted, type Command, text, untilInterrupted, whole } from '../command.ts';
import { writeManifests } from '../manifests.ts';
import { BOOT_PORT } from './run.ts';

export const DEFAULT_COUNT = 8;
export const MOST_MACHINES = 10_000;
const BASE_PORT = 6231;

const help = `Usage: bmp fleet [options]

Simulates machines: each has a BMC that speaks IPMI 2.0 on a UDP port of its own at 127.0.0.1, boots from the network or
its disk, and remembers what was written to it. An image mirror runs beside them.

  --count N               machines (default ${DEFAULT_COUNT})
  --base-port N           UDP port of the first BMC, the others follow; 0: any free ones (default ${BASE_PORT})
  --boot-url URL          where they boot from: the operator's boot port (default http://127.0.0.1:${BOOT_PORT})
  --dir DIR               keep their disks and state there; without it they are forgotten at the end
  --write-manifests DIR   write Devices, Secrets and the Image as YAML, to be applied with kubectl

Example, each in a terminal of its own:
  bmp fleet --count 8 --write-manifests fleet
  kubectl apply -f fleet
  ipmitool -I lanplus -C 17 -H 127.0.0.1 -p ${BASE_PORT} -U admin -P ... chassis status   (the password is in the Secret)`;

export const fleet: Command = {
  name: 'fleet',
  summary: 'simulate machines for an operator that runs elsewhere',
  help,
  options: {
    count: { type: 'string' },
    'base-port': { type: 'string' },
    'boot-url': { type: 'string' },
    dir: { type: 'string' },
    'write-manifests': { type: 'string' },
  },
  async run(values) {
    const bootUrl = text(values, 'boot-url') ?? `http://127.0.0.1:${BOOT_PORT}`;
    const dir = text(values, 'dir');
    const machines = await startFleet({
      count: whole(values, 'count', 1, MOST_MACHINES, DEFAULT_COUNT),
      basePort: whole(values, 'base-port', 0, 65_000, BASE_PORT),
      ...(dir !== undefined && { dir }),
      bootUrl: () => bootUrl,
      log: createLogger({ level: 'warn' }),
    });
    const folder = text(values, 'write-manifests');
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      writeManifests(join(folder, 'fleet.yaml'), machines.manifests());
      console.log(`wrote ${join(folder, 'fleet.yaml')}: kubectl apply -f ${folder}`);
    }
    console.log(
      `${machines.machines.length} machines, first BMC at ${machines.address(machines.machines[0]!.name)}; Ctrl-C ends them`,
    );
    await aborted(untilInterrupted().signal);
    await machines.close();
    return 0;
  },
};
