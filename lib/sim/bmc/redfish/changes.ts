// What may be changed in a simulated Redfish service: actions and properties, each checked before anything happens.
import { isIPv4 } from 'node:net';
import { encodeAddressSource, encodeIpv4, encodeVlan, LAN_PARAMETER } from '../../../bmc/ipmi/wire/lan.ts';
import { NO_BOOT_OVERRIDE } from '../chassis.ts';
import type { BmcState } from '../state.ts';
import type { UserSlot } from '../users.ts';
import { type Body, done, REFUSE, type Reply } from './messages.ts';
import { BOOT_TARGETS, RESET_TYPES, TASKS, task } from './resources.ts';

const MOST_PASSWORD = 20;

export function reset(state: BmcState, body: Body): Reply {
  const action = RESET_TYPES[body.ResetType as keyof typeof RESET_TYPES];
  if (!action) return REFUSE.value('ResetType');
  if (state.faults.powerStuck || (action === 'soft' && state.faults.softOffIgnored)) return done();
  const power = state.chassis.power();
  if (power === 'Off' ? action !== 'on' : action === 'on') return REFUSE.state();
  state.chassis.control(action);
  return state.taskLooks === 0 ? done() : begun(state);
}

/** It goes on by itself; where to look is told. */
function begun(state: BmcState): Reply {
  const id = String(state.tasks.size + 1);
  state.tasks.set(id, state.taskLooks);
  return { status: 202, body: task(id, true), headers: { location: `${TASKS}/${id}` } };
}

export function patchSystem(state: BmcState, body: Body): Reply {
  const { Boot: boot, LocationIndicatorActive: light, ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return REFUSE.unknown(unknown);
  if (light !== undefined && typeof light !== 'boolean') return REFUSE.value('LocationIndicatorActive');
  if (boot !== undefined) {
    const refused = setBoot(state, boot as Body);
    if (refused) return refused;
  }
  if (light !== undefined) {
    state.identifyUntil = light ? Number.POSITIVE_INFINITY : 0;
    state.chassis.identify(light ? Number.POSITIVE_INFINITY : 0);
  }
  return done();
}

const ENABLED = ['Disabled', 'Once', 'Continuous'];
const MODES = ['UEFI', 'Legacy'];

/** Undefined once done. What is not mentioned stays. */
function setBoot(state: BmcState, boot: Body): Reply | undefined {
  const { chassis } = state;
  const now = chassis.boot;
  const nowEnabled = now.persistent ? 'Continuous' : 'Once';
  const enabled = boot.BootSourceOverrideEnabled ?? (now.valid ? nowEnabled : 'Disabled');
  const target = boot.BootSourceOverrideTarget ?? BOOT_TARGETS[now.device];
  const mode = boot.BootSourceOverrideMode ?? (now.efi ? 'UEFI' : 'Legacy');
  const device = (Object.keys(BOOT_TARGETS) as (keyof typeof BOOT_TARGETS)[]).find(
    (name) => BOOT_TARGETS[name] === target,
  );
  if (!ENABLED.includes(enabled as string)) return REFUSE.value('BootSourceOverrideEnabled');
  if (!device) return REFUSE.value('BootSourceOverrideTarget');
  if (!MODES.includes(mode as string)) return REFUSE.value('BootSourceOverrideMode');
  const efi = mode === 'UEFI';
  const on = enabled !== 'Disabled' && device !== 'none';
  chassis.boot = on ? { device, persistent: enabled === 'Continuous', efi, valid: true } : { ...NO_BOOT_OVERRIDE, efi };
  state.bootOptions.lapseAt = Number.POSITIVE_INFINITY; // Redfish knows no lapse
  return undefined;
}

export function patchAccount(state: BmcState, user: UserSlot, body: Body): Reply {
  const { Password: password, Enabled: enabled, ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return REFUSE.unknown(unknown);
  if (enabled !== undefined && typeof enabled !== 'boolean') return REFUSE.value('Enabled');
  if (password !== undefined) {
    if (typeof password !== 'string') return REFUSE.value('Password');
    const bytes = Buffer.from(password);
    if (bytes.length === 0 || bytes.length > MOST_PASSWORD) return REFUSE.value('Password');
    state.users.setPassword(user, bytes);
  }
  if (enabled !== undefined) user.enabled = enabled;
  return done();
}

/** Address and VLAN as IPMI's LAN parameters: both protocols tell the same. */
export function patchNetwork(state: BmcState, body: Body): Reply {
  const { DHCPv4: dhcp, IPv4StaticAddresses: fixed, VLAN: vlan } = body;
  const { address, gateway, netmask, source, vlan: tag } = LAN_PARAMETER;
  const isDhcp = (dhcp as Body | undefined)?.DHCPEnabled === true;
  const [ipv4] = Array.isArray(fixed) ? (fixed as Body[]) : [];
  const texts = [ipv4?.Address, ipv4?.SubnetMask, ipv4?.Gateway ?? '0.0.0.0'];
  if (!isDhcp && !texts.every((text) => typeof text === 'string' && isIPv4(text))) {
    return REFUSE.value('IPv4StaticAddresses');
  }
  state.network.set(source, encodeAddressSource(isDhcp ? 'dhcp' : 'static'));
  const parameters = isDhcp ? [] : [address, netmask, gateway];
  for (const [index, parameter] of parameters.entries()) {
    state.network.set(parameter, encodeIpv4(texts[index] as string));
  }
  const { VLANEnable: enabled, VLANId: id } = (vlan as Body | undefined) ?? {};
  state.network.set(tag, encodeVlan(enabled === true ? Number(id) : undefined));
  return done();
}

export function insertMedia(state: BmcState, body: Body): Reply {
  if (typeof body.Image !== 'string' || !URL.canParse(body.Image)) return REFUSE.value('Image');
  if (state.media !== undefined) return REFUSE.state();
  return lend(state, body.Image);
}

export const ejectMedia = (state: BmcState): Reply => lend(state, undefined);

function lend(state: BmcState, image: string | undefined): Reply {
  const { mediaRefused, mediaStuck } = state.faults;
  if (mediaRefused) return REFUSE.state();
  if (mediaStuck) return done();
  state.media = image;
  state.chassis.media = image;
  return done();
}

export function clearLog(state: BmcState): Reply {
  state.log.clear();
  return done();
}
