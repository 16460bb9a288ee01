// The BMC's own network settings: read, and changed as one (IPMI 2.0 §23.1 to §23.3).
import type { NetworkChange, NetworkSettings } from '../driver.ts';
import type { IpmiClient } from './client.ts';
import { APP, THIS_CHANNEL } from './wire/channel.ts';
import { COMPLETION } from './wire/completion.ts';
import * as lan from './wire/lan.ts';
import { NETFN } from './wire/message.ts';

/** The number of the channel that we came over: "this one" is not understood everywhere. */
async function lanChannel(client: IpmiClient, signal: AbortSignal): Promise<number> {
  const command = { netFn: NETFN.app, command: APP.getChannelInfo, data: Buffer.of(THIS_CHANNEL) };
  const { completion, data } = await client.ask(command, signal);
  if (completion !== COMPLETION.ok) return THIS_CHANNEL;
  return lan.decodeChannelInfo(data).channel;
}

/** A parameter's bytes, or undefined where the BMC has none such. */
async function parameter(
  client: IpmiClient,
  channel: number,
  number: number,
  length: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const data = lan.encodeLanRequest(channel, number);
  const answer = await client.ask({ netFn: NETFN.transport, command: lan.LAN.getConfiguration, data }, signal);
  if (answer.completion === lan.NO_SUCH_PARAMETER) return undefined;
  if (answer.completion !== COMPLETION.ok) throw client.commandError('network settings', answer.completion);
  return lan.decodeLanParameter(answer.data, length);
}

export async function readNetwork(client: IpmiClient, signal: AbortSignal): Promise<NetworkSettings> {
  const channel = await lanChannel(client, signal);
  const { address, source, macAddress, netmask, gateway, vlan } = lan.LAN_PARAMETER;
  const get = (number: number, length: number) => parameter(client, channel, number, length, signal);
  const ipv4 = async (number: number) => {
    const bytes = await get(number, 4);
    return bytes && bytes.readUInt32BE(0) !== 0 ? lan.decodeIpv4(bytes) : undefined;
  };
  const kind = lan.decodeAddressSource((await get(source, 1)) ?? lan.encodeAddressSource('unspecified'));
  const mac = await get(macAddress, 6);
  const tag = await get(vlan, 2);
  const known = {
    address: await ipv4(address),
    netmask: await ipv4(netmask),
    gateway: await ipv4(gateway),
    macAddress: mac && lan.decodeMac(mac),
    vlan: tag && lan.decodeVlan(tag),
  };
  const told = Object.entries(known).filter(([, value]) => value !== undefined);
  return { source: kind === 'static' || kind === 'dhcp' ? kind : 'other', ...Object.fromEntries(told) };
}

export async function changeNetwork(client: IpmiClient, change: NetworkChange, signal: AbortSignal): Promise<void> {
  const channel = await lanChannel(client, signal);
  const { setInProgress, address, source, netmask, gateway, vlan } = lan.LAN_PARAMETER;
  const send = (number: number, value: Buffer) => {
    const data = Buffer.concat([Buffer.of(channel, number), value]);
    return client.ask({ netFn: NETFN.transport, command: lan.LAN.setConfiguration, data }, signal);
  };
  const set = async (what: string, number: number, value: Buffer) => {
    const { completion } = await send(number, value);
    if (completion !== COMPLETION.ok) throw client.commandError(what, completion);
  };
  // Optional for BMCs: one that has no such lock sets each parameter at once.
  await send(setInProgress, Buffer.of(lan.SET.inProgress));
  try {
    await set('address source', source, lan.encodeAddressSource(change.source));
    if (change.source === 'static') {
      await set('netmask', netmask, lan.encodeIpv4(change.netmask));
      if (change.gateway !== undefined) await set('gateway', gateway, lan.encodeIpv4(change.gateway));
      await set('address', address, lan.encodeIpv4(change.address));
    }
    await set('VLAN', vlan, lan.encodeVlan(change.vlan));
  } finally {
    await send(setInProgress, Buffer.of(lan.SET.complete));
  }
}
