// The addresses that a Device's Instance has of its Site's networks: taken at the API server, and given back there.
//
// Flow: which address is wanted stands in the Device's status before it is taken. It is taken by creating an Address whose
// name is the Site's and the address's, so that the server lets one alone have it, whoever else is at it. It is given back
// when the Device was seen off and wiped, or the system that had it is about to be replaced by one that has not.
// Guarantees: no two Devices of a Site are given the same address; what was taken is in the status, whatever dies when.
import type { Address, Device, Instance, Site } from '../../lib/api/generated.ts';
import { ADDRESSES, API_VERSION } from '../../lib/api/resources.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists, isNotFound } from '../../lib/kube/errors.ts';
import { controllerReference } from '../../lib/kube/resource.ts';
import type { Store } from '../../lib/kube/store.ts';
import { type Attachment, composeNetwork, type Machine, type Netplan } from '../../lib/provision/network/netplan.ts';
import {
  addressName,
  attachment,
  freeAddress,
  networkNamed,
  offers,
  type SiteNetwork,
} from '../../lib/provision/network/site-network.ts';
import type { Surroundings } from './context.ts';
import type { Status } from './status.ts';

export type Held = NonNullable<Status['networks']>[number];

const networksOf = (site: Site | undefined) => (site?.spec.networks ?? []) as readonly SiteNetwork[];

export interface AddressWorld {
  readonly client: KubeClient;
  readonly addresses: Pick<Store<Address>, 'get' | 'values'>;
  /** As it was last read or written. */
  readonly device: () => Device;
  /** Resolves once this stands in the Device's status, as the version that device() tells. */
  readonly note: (networks: Held[]) => Promise<void>;
}

/**
 * Brings the addresses of the Device to what the Instance asks for: what it has and should not is given back, what it lacks
 * is taken. May be repeated. @throws Failure BadNetwork, AddressesExhausted
 */
export async function takeAddresses(
  { client, addresses, device, note }: AddressWorld,
  instance: Instance,
  site: Site | undefined,
  signal: AbortSignal,
): Promise<void> {
  // What is somebody else's although the cache does not show it yet.
  const refused = new Set<string>();
  const isTaken = (name: string) => refused.has(name) || addresses.get(name) !== undefined;
  const missing = async (wanted: readonly Held[]): Promise<Held | undefined> => {
    for (const held of wanted) {
      const seen = addresses.get(held.addressName);
      if (seen && isOurs(seen.spec, device(), instance)) continue;
      if (!(await take(client, device(), instance, held, signal))) return held;
    }
    return undefined;
  };
  for (;;) {
    const wanted = wantedAddresses(device(), instance, site, isTaken);
    const kept = new Set(wanted.map(({ addressName: name }) => name));
    const surplus = addressesOf(addresses, device()).filter((name) => !kept.has(name));
    await giveBack(client, device(), surplus, signal);
    await note(wanted);
    const lost = await missing(wanted);
    if (!lost) return;
    refused.add(lost.addressName);
    await note(wanted.filter((held) => held !== lost));
  }
}

/** What the Device's Instance is to have: what it has already where that still is right, else addresses that seem free. */
function wantedAddresses(
  device: Device,
  instance: Instance,
  site: Site | undefined,
  isTaken: (addressName: string) => boolean,
): Held[] {
  const siteName = device.spec.site;
  const has = device.status?.networks ?? [];
  return (instance.spec.networks ?? []).map(({ name }) => {
    const network = networkNamed(networksOf(site), siteName, name);
    const held = has.find((one) => one.name === name);
    if (held && offers(network, siteName, held.address)) return held;
    const whom = `${instance.metadata.uid}/${name}`;
    const address = freeAddress(network, siteName, whom, (one) => isTaken(addressName(siteName, one)));
    return { name, address, addressName: addressName(siteName, address) };
  });
}

/** Takes the address that the status names. False where somebody else has it. */
async function take(
  client: KubeClient,
  device: Device,
  { metadata }: Instance,
  { name, address, addressName: at }: Held,
  signal: AbortSignal,
): Promise<boolean> {
  const deviceName = device.metadata.name;
  const wanted: Address = {
    apiVersion: API_VERSION,
    kind: ADDRESSES.kind,
    metadata: { name: at, ownerReferences: [controllerReference(device)] },
    spec: {
      site: device.spec.site,
      network: name,
      address,
      deviceName,
      instanceRef: { namespace: metadata.namespace!, name: metadata.name, uid: metadata.uid! },
    },
  };
  try {
    await client.create(ADDRESSES, wanted, { signal });
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  // By an earlier try whose answer was lost, or by somebody else.
  const found = await client.get(ADDRESSES, { name: at }, { signal });
  return isOurs(found.spec, device, { metadata });
}

const isOurs = (
  { deviceName, instanceRef }: Address['spec'],
  device: Device,
  { metadata }: Pick<Instance, 'metadata'>,
): boolean => deviceName === device.metadata.name && instanceRef.uid === metadata.uid;

/** Gives addresses of this Device back; those that are gone, or somebody else's, are left. */
export async function giveBack(
  client: KubeClient,
  device: Device,
  names: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  for (const name of new Set(names)) {
    try {
      const { metadata, spec } = await client.get(ADDRESSES, { name }, { signal });
      if (spec.deviceName !== device.metadata.name) continue;
      await client.delete(ADDRESSES, { name }, { uid: metadata.uid, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Names of all that the Device has: by its status, and by what is there, should a backup have brought it back without one. */
export function addressesOf(addresses: Pick<Store<Address>, 'values'>, { metadata, status }: Device): string[] {
  const there = [...addresses.values()].filter(({ spec }) => spec.deviceName === metadata.name);
  return [...(status?.networks ?? []).map((held) => held.addressName), ...there.map((one) => one.metadata.name)];
}

/** The Instance's network as its seed says it; undefined when it says none. @throws Failure BadNetwork */
export function networkOf(
  device: Device,
  instance: Instance,
  { site, inventory }: Pick<Surroundings, 'site' | 'inventory'>,
  held: readonly Held[],
): Netplan | undefined {
  const machine: Machine = {
    nics: (inventory?.spec.nics ?? []).flatMap(({ name, macAddress }) =>
      name !== undefined && macAddress !== undefined ? [{ name, macAddress }] : [],
    ),
    bootMACAddress: device.spec.bootMACAddress,
  };
  const attachments = (instance.spec.networks ?? []).map((wanted): Attachment => {
    const network = networkNamed(networksOf(site), device.spec.site, wanted.name);
    const address = held.find(({ name }) => name === wanted.name)?.address ?? network.range?.start ?? '';
    return attachment(network, device.spec.site, address, wanted.interface);
  });
  return composeNetwork(instance.spec.network, attachments, machine);
}
