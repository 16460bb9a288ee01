// An Instance's network as netplan's version 2 says it: what the Instance writes, with the addresses of its Site's networks
// put in, and interfaces told by the MAC addresses that were collected. Pure.
//
// Source: cloud-init's documentation, "Networking config Version 2"; netplan.io's YAML reference.
import { Failure } from '../operations/failures.ts';
import type { NicFacts } from '../protocol.ts';
import { parseInterface } from './address.ts';

export type Netplan = Readonly<Record<string, unknown>>;
type Interface = Record<string, unknown>;
type Section = Record<string, Interface>;

/** An address of a Site's network, and where it goes. */
export interface Attachment {
  /** What the Site calls the network. */
  readonly network: string;
  /** Id of the interface; the one that boots from the network, where not given. */
  readonly interface?: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway?: string;
  readonly vlan?: number;
  readonly nameservers: readonly string[];
}

export interface Machine {
  readonly nics: readonly Pick<NicFacts, 'name' | 'macAddress'>[];
  readonly bootMACAddress: string;
}

const SECTIONS = ['ethernets', 'bonds', 'bridges', 'vlans'] as const;
const DEFAULT_ROUTES = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/** Undefined when there is nothing to say: the image's own applies. @throws Failure BadNetwork */
export function composeNetwork(
  written: Netplan | undefined,
  attachments: readonly Attachment[],
  machine: Machine,
): Netplan | undefined {
  if (!written && attachments.length === 0) return undefined;
  const plan = new Plan(written ?? { version: 2 }, machine);
  for (const attachment of attachments) plan.attach(attachment);
  return plan.finished();
}

class Plan {
  readonly #rest: Netplan;
  readonly #sections: Record<(typeof SECTIONS)[number], Section>;
  readonly #machine: Machine;

  constructor(written: Netplan, machine: Machine) {
    const { ethernets, bonds, bridges, vlans, ...rest } = structuredClone(plain(written.network ?? written, 'network'));
    if (rest.version !== 2) throw bad('it must say version: 2');
    this.#rest = rest;
    this.#machine = machine;
    this.#sections = {
      ethernets: sectionOf(ethernets, 'ethernets'),
      bonds: sectionOf(bonds, 'bonds'),
      bridges: sectionOf(bridges, 'bridges'),
      vlans: sectionOf(vlans, 'vlans'),
    };
    for (const [id, { link }] of Object.entries(this.#sections.vlans)) this.#require(link, `the VLAN ${id}`);
    for (const section of ['bonds', 'bridges'] as const) {
      for (const [id, { interfaces = [] }] of Object.entries(this.#sections[section]))
        for (const member of listOf(interfaces, `${section}.${id}.interfaces`)) this.#require(member, id);
    }
    this.#checkAddresses();
  }

  attach({ network, vlan, ...attachment }: Attachment): void {
    const link = attachment.interface ?? this.#bootInterface();
    const under = this.#require(link, `the network ${network}`);
    const target = vlan === undefined || under.id === vlan ? under : this.#vlan(vlan, link);
    const { address, prefix, gateway, nameservers } = attachment;
    target.addresses = [...listOf(target.addresses ?? [], 'addresses'), `${address}/${prefix}`];
    if (gateway !== undefined) {
      const to = DEFAULT_ROUTES[gateway.includes(':') ? 6 : 4];
      target.routes = [...listOf(target.routes ?? [], 'routes'), { to, via: gateway }];
    }
    if (nameservers.length > 0) {
      const before = plain(target.nameservers ?? {}, 'nameservers');
      const known = listOf(before.addresses ?? [], 'nameservers.addresses');
      target.nameservers = { ...before, addresses: [...new Set([...known, ...nameservers])] };
    }
  }

  finished(): Netplan {
    for (const [id, definition] of Object.entries(this.#sections.ethernets)) {
      const nic = this.#machine.nics.find(({ name }) => name === id);
      // The installed system may call it otherwise: the MAC address is the same everywhere.
      if (!nic || definition.match !== undefined) continue;
      definition.match = { macaddress: nic.macAddress };
      definition['set-name'] ??= id;
    }
    const filled = Object.entries(this.#sections).filter(([, section]) => Object.keys(section).length > 0);
    return { ...this.#rest, ...Object.fromEntries(filled) };
  }

  #find(id: string): Interface | undefined {
    return SECTIONS.map((section) => this.#sections[section][id]).find((found) => found !== undefined);
  }

  /** The interface of that id: as it was written, or one of the machine's own. */
  #require(id: unknown, whose: string): Interface {
    if (typeof id !== 'string') throw bad(`${whose} names no interface`);
    const found = this.#find(id);
    if (found) return found;
    if (!this.#machine.nics.some(({ name }) => name === id)) {
      const there = [
        ...this.#machine.nics.map(({ name }) => name),
        ...SECTIONS.flatMap((s) => Object.keys(this.#sections[s])),
      ];
      throw bad(`${whose} wants an interface ${id}, there are ${[...new Set(there)].join(', ') || 'none'}`);
    }
    const own: Interface = {};
    this.#sections.ethernets[id] = own;
    return own;
  }

  #bootInterface(): string {
    const { nics, bootMACAddress } = this.#machine;
    const boot = nics.find(({ macAddress }) => macAddress === bootMACAddress);
    if (!boot) throw bad(`no interface with the MAC address ${bootMACAddress} was collected`);
    // As it was written, where its MAC address was: an interface has one definition.
    const written = Object.entries(this.#sections.ethernets).find(
      ([, { match }]) => (match as { macaddress?: unknown } | undefined)?.macaddress === bootMACAddress,
    );
    return written?.[0] ?? boot.name;
  }

  #vlan(id: number, link: string): Interface {
    const known = Object.values(this.#sections.vlans).find((vlan) => vlan.id === id && vlan.link === link);
    if (known) return known;
    const name = `vlan${id}`;
    if (this.#find(name)) throw bad(`there is another ${name} already: only one interface can carry VLAN ${id}`);
    const vlan: Interface = { id, link };
    this.#sections.vlans[name] = vlan;
    return vlan;
  }

  #checkAddresses(): void {
    for (const section of SECTIONS) {
      for (const [id, { addresses = [] }] of Object.entries(this.#sections[section])) {
        for (const address of listOf(addresses, `${section}.${id}.addresses`)) {
          // netplan knows objects here too: {address: {label: …}}.
          const text = typeof address === 'string' ? address : Object.keys(plain(address, 'addresses'))[0];
          if (text === undefined || !parseInterface(text))
            throw bad(`${section}.${id}: ${JSON.stringify(address)} is no address with a prefix, such as 192.0.2.7/24`);
        }
      }
    }
  }
}

const bad = (message: string) => new Failure('BadNetwork', `spec.network: ${message}`);

function plain(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw bad(`${what} is no map`);
}

function sectionOf(value: unknown, what: string): Section {
  const section = plain(value ?? {}, what);
  return Object.fromEntries(Object.entries(section).map(([id, one]) => [id, plain(one ?? {}, `${what}.${id}`)]));
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(`${what} is no list`);
}
