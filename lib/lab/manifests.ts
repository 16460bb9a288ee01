// The lab's machines as the Kubernetes objects that import them.
import { OPERATOR_NAMESPACE } from '../api/names.ts';
import type { KubeObject } from '../kube/resource.ts';
import { LAB_NETWORK, type Lab, type LabMachine } from './lab.ts';
import type { Firmware } from './machine.ts';

const API_VERSION = 'bmp.dev/v1alpha1';
const SITE = 'lab';

export const deviceTypeOf = (firmware: Firmware): string => `lab.${firmware}`;

/** A Site, a type for each firmware, and a Device with its BMC's Secret for each machine. */
export function labManifests({
  machines,
  credentials,
  dhcpSocket,
}: Pick<Lab, 'machines' | 'credentials' | 'dhcpSocket'>): KubeObject[] {
  const hardware = { minCores: 1, minMemory: '512Mi', disks: [{ count: 1 }], nics: { count: 1 } };
  return [
    object('Site', SITE, {
      region: 'local',
      zone: 'lab',
      ...(dhcpSocket !== undefined && { networks: [LAB_NETWORK] }),
    }),
    object('DeviceType', deviceTypeOf('bios'), { hardware, bootMode: 'BIOS' }),
    object('DeviceType', deviceTypeOf('uefi'), { hardware, bootMode: 'UEFI' }),
    ...machines.flatMap((machine) => machineManifests(machine, credentials)),
  ];
}

function machineManifests(machine: LabMachine, credentials: Lab['credentials']): KubeObject[] {
  const { name, serialNumber, macAddress, bmcAddress, disks, firmware } = machine;
  const secret = `${name}-bmc`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace: OPERATOR_NAMESPACE },
      type: 'Opaque',
      stringData: { ...credentials },
    } as KubeObject,
    object('Device', name, {
      bmc: { address: bmcAddress, credentialsRef: { name: secret } },
      serialNumber,
      bootMACAddress: macAddress,
      site: SITE,
      deviceType: deviceTypeOf(firmware),
      putAway: true,
      rootDeviceHints: { serialNumber: disks[0].serialNumber },
    }),
  ];
}

const object = (kind: string, name: string, spec: object) =>
  ({ apiVersion: API_VERSION, kind, metadata: { name }, spec }) as KubeObject;
