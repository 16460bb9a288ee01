// For tests: a simulated BMC, drivers that talk to it over UDP, and everything closed at the end.
import * as assert from 'uvu/assert';
import type { Credentials, Driver } from '../../bmc/driver.ts';
import { BmcError, type BmcErrorCode } from '../../bmc/errors.ts';
import type { IpmiOptions } from '../../bmc/ipmi/options.ts';
import { Transport } from '../../bmc/ipmi/transport.ts';
import { openDriver } from '../../bmc/open.ts';
import type { RedfishOptions } from '../../bmc/redfish/options.ts';
import { SimulatedBmc, type SimulatedBmcOptions } from './bmc.ts';
import { MemoryChassis } from './chassis.ts';
import { NO_FAULTS } from './faults.ts';

export const LAB_GUID = '9b4d7b4e-3d5c-4f0a-8c1e-1f2e3d4c5b6a';
export const LAB_ADMIN: Credentials = { username: 'admin', password: 'a-secret' };
export const LAB_VIEWER: Credentials = { username: 'viewer', password: 'viewerpw' };
/** What a machine's parts say of themselves, where a test asks for it. */
export const LAB_FRU = {
  chassis: { type: 0x17, partNumber: 'CH-1', serialNumber: 'CH0007' },
  board: { manufacturer: 'Acme', product: 'Board X', serialNumber: 'BD0007', partNumber: 'BX-1' },
  product: {
    manufacturer: 'Acme',
    name: 'Server X',
    partNumber: 'SX-1',
    version: '1.2',
    serialNumber: 'SN0007',
    assetTag: 'asset-7',
  },
};

/** Short waits, many tries: under load a reply may be late, and no test waits for a time-out that it does not want. */
export const PATIENT: Partial<IpmiOptions> = {
  schedule: Array.from({ length: 60 }, () => 100),
  closeSchedule: Array.from({ length: 20 }, () => 100),
};

/** No waiting for a service that is busy on purpose. */
const HASTY: Partial<RedfishOptions> = { busyPauses: [10] };

export interface Lab {
  readonly bmc: SimulatedBmc;
  readonly chassis: MemoryChassis;
  readonly transport: Transport;
  readonly port: number;
  /** As administrator and patient unless said otherwise. */
  readonly open: (credentials?: Credentials, ipmi?: Partial<IpmiOptions>) => Driver;
  /** The same machine over Redfish, in clear. */
  readonly openRedfish: (credentials?: Credentials, redfish?: Partial<RedfishOptions>) => Driver;
  readonly redfishPort: number;
}

/** The work fails with that code; answers how. */
export async function fails(work: Promise<unknown>, code: BmcErrorCode): Promise<BmcError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, BmcError, String(error));
    assert.is((error as BmcError).code, code, String(error));
    return error as BmcError;
  }
  throw new Error(`succeeded, and should have failed with ${code}`);
}

export async function withSimulatedBmc(
  body: (lab: Lab) => Promise<void>,
  options: Partial<SimulatedBmcOptions> = {},
): Promise<void> {
  const users = [
    { name: LAB_ADMIN.username, password: LAB_ADMIN.password, privilege: 'administrator' },
    { name: LAB_VIEWER.username, password: LAB_VIEWER.password, privilege: 'user' },
  ] as const;
  const chassis = new MemoryChassis();
  const bmc = new SimulatedBmc({ chassis, users, guid: LAB_GUID, ...options });
  const transport = new Transport();
  const drivers: Driver[] = [];
  try {
    const port = await bmc.listen();
    const open = (credentials = LAB_ADMIN, ipmi = PATIENT) => {
      const driver = openDriver({ address: `ipmi://127.0.0.1:${port}`, credentials }, { transport, ipmi });
      drivers.push(driver);
      return driver;
    };
    const redfishPort = await bmc.listenRedfish();
    const openRedfish = (credentials = LAB_ADMIN, redfish: Partial<RedfishOptions> = {}) => {
      const address = `redfish+http://127.0.0.1:${redfishPort}`;
      const driver = openDriver({ address, credentials }, { redfish: { ...HASTY, ...redfish } });
      drivers.push(driver);
      return driver;
    };
    await body({ bmc, chassis, transport, port, redfishPort, open, openRedfish });
  } finally {
    bmc.faults = NO_FAULTS;
    await Promise.all(drivers.map((driver) => driver.close()));
    transport.close();
    await bmc.close();
  }
}
