// The device, session, channel and user commands of a simulated BMC (IPMI 2.0 §20, §22).
import * as wire from '../../../bmc/ipmi/wire/channel.ts';
import { CIPHER_SUITES, type CipherSuite } from '../../../bmc/ipmi/wire/cipher.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { encodeDeviceId, GET_DEVICE_ID, GET_SYSTEM_GUID } from '../../../bmc/ipmi/wire/device.ts';
import type { SimulatedSession } from '../sessions.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';
import { MAX_USERS, type UserSlot } from '../users.ts';

const COLD_RESET = 0x02;
const GET_SELF_TEST = 0x04;
const GET_DEVICE_GUID = 0x08;
const GET_GLOBAL_ENABLES = 0x2f;

const LAN_CHANNEL = 1;
const PASSWORD_WRONG = 0x80;
const PASSWORD_OTHER_SIZE = 0x81;
const PRIVILEGE_TOO_HIGH = 0x81;
const INVALID_SESSION = 0x87;

const isLan = (channel: number) => channel === LAN_CHANNEL || channel === wire.THIS_CHANNEL;

function coldReset(state: BmcState): Answer {
  state.reboot();
  return ok();
}

function authCapabilities(state: BmcState, data: Buffer): Answer {
  if (!isLan(data[0]! & 0x0f)) return refuse(COMPLETION.invalidField);
  const capabilities = { channel: LAN_CHANNEL, supportsIpmi2: true, bmcKeySet: state.bmcKeySet };
  return okBytes(wire.encodeAuthCapabilities(capabilities));
}

function cipherSuites(state: BmcState, data: Buffer): Answer {
  if (!isLan(data[0]! & 0x0f)) return refuse(COMPLETION.invalidField);
  const told = state.quirks.advertisedSuites ?? state.suites;
  const none = { authentication: 0, integrity: 0, confidentiality: 0 };
  const suites: Readonly<Record<number, CipherSuite>> = CIPHER_SUITES;
  const records = wire.encodeCipherSuites(told.map((id) => ({ ...none, ...suites[id], id })));
  const from = (data[2]! & 0x3f) * 16;
  return okBytes(Buffer.concat([Buffer.of(LAN_CHANNEL), records.subarray(from, from + 16)]));
}

function setPrivilege(_state: BmcState, data: Buffer, session: SimulatedSession | undefined): Answer {
  if (!session) return refuse(COMPLETION.invalidCommand);
  const wanted = data[0]! & 0x0f;
  if (wanted > session.limit) return refuse(PRIVILEGE_TOO_HIGH);
  if (wanted !== 0) session.privilege = wanted; // 0 only asks
  return ok(session.privilege);
}

function closeSession(state: BmcState, data: Buffer): Answer {
  return state.sessions.end(data.readUInt32LE(0)) ? ok() : refuse(INVALID_SESSION);
}

function sessionInfo(state: BmcState, data: Buffer, asking: SimulatedSession | undefined): Answer {
  const open = state.sessions.list();
  const found = chosenSession(open, data, asking);
  if (!found) return ok(0, state.sessions.limit, open.length);
  const { handle, user, privilege } = found;
  return ok(handle, state.sessions.limit, open.length, user.id, privilege, 0x10 | LAN_CHANNEL);
}

/** By index from 1 on, by handle (FEh) or by session id (FFh); 0 is the session that asks (§22.20). */
function chosenSession(open: SimulatedSession[], data: Buffer, asking: SimulatedSession | undefined) {
  const index = data[0]!;
  if (index === 0) return asking;
  if (index === 0xfe) return open.find((session) => session.handle === data[1]);
  if (index === 0xff && data.length >= 5) return open.find((session) => session.bmcId === data.readUInt32LE(1));
  return open[index - 1];
}

function channelInfo(_state: BmcState, data: Buffer): Answer {
  if (!isLan(data[0]! & 0x0f)) return refuse(COMPLETION.notPresent);
  const [lan, ipmb, multiSession] = [0x04, 0x01, 0x80];
  return ok(LAN_CHANNEL, lan, ipmb, multiSession, 0xf2, 0x1b, 0x00, 0x00, 0x00); // vendor: the IPMI forum, 7154
}

function channelAccess(_state: BmcState, data: Buffer): Answer {
  if (!isLan(data[0]! & 0x0f)) return refuse(COMPLETION.notPresent);
  const alwaysAvailable = 0x02;
  return ok(alwaysAvailable, wire.PRIVILEGE.administrator);
}

function userSlot(state: BmcState, id: number): UserSlot | undefined {
  return state.users.slot(id & 0x3f);
}

function getUserAccess(state: BmcState, data: Buffer): Answer {
  const user = userSlot(state, data[1]!);
  if (!isLan(data[0]! & 0x0f) || !user) return refuse(COMPLETION.outOfRange);
  const access = {
    maxUsers: MAX_USERS,
    enabledUsers: state.users.enabledCount,
    fixedNames: 1,
    limit: user.privilege,
    ipmiMessaging: user.enabled,
    linkAuthentication: false,
    callbackOnly: false,
    enabled: user.enabled,
  };
  return okBytes(wire.encodeUserAccess(access));
}

function setUserAccess(state: BmcState, data: Buffer): Answer {
  const user = userSlot(state, data[1]!);
  const privilege = wire.privilegeName(data[2]! & 0x0f);
  if (!isLan(data[0]! & 0x0f) || !user || !privilege) return refuse(COMPLETION.outOfRange);
  user.privilege = privilege;
  return ok();
}

function getUserName(state: BmcState, data: Buffer): Answer {
  const user = userSlot(state, data[0]!);
  return user ? okBytes(wire.encodeUserName(user.name)) : refuse(COMPLETION.outOfRange);
}

function setUserName(state: BmcState, data: Buffer): Answer {
  const user = userSlot(state, data[0]!);
  if (!user || user.id === 1) return refuse(COMPLETION.invalidField); // user 1 keeps its empty name (§22.28)
  user.name = wire.decodeUserName(data.subarray(1, 17));
  return ok();
}

function setUserPassword(state: BmcState, data: Buffer): Answer {
  const { userId, operation, password } = wire.decodeUserPassword(data);
  const user = userSlot(state, userId);
  if (!user) return refuse(COMPLETION.outOfRange);
  const { disable, enable, set } = wire.PASSWORD_OPERATION;
  if (operation === disable || operation === enable) {
    user.enabled = operation === enable;
    return ok();
  }
  if (password.length !== (data[0]! & 0x80 ? 20 : 16)) return refuse(COMPLETION.invalidLength);
  const end = password.indexOf(0);
  const bytes = Buffer.from(end < 0 ? password : password.subarray(0, end));
  if (operation === set) {
    state.users.setPassword(user, bytes);
    return ok();
  }
  if (user.password.length > password.length) return refuse(PASSWORD_OTHER_SIZE);
  return user.password.equals(bytes) ? ok() : refuse(PASSWORD_WRONG);
}

const { callback, user, operator, administrator } = wire.PRIVILEGE;
const ANYONE = 0;

export const APP_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [GET_DEVICE_ID]: { privilege: user, least: 0, run: (state) => okBytes(encodeDeviceId(state.device)) },
  [COLD_RESET]: { privilege: administrator, least: 0, run: coldReset },
  [GET_SELF_TEST]: { privilege: user, least: 0, run: () => ok(0x55, 0x00) }, // passed
  [GET_GLOBAL_ENABLES]: { privilege: user, least: 0, run: () => ok(0x08) }, // the event log
  [GET_SYSTEM_GUID]: { privilege: ANYONE, least: 0, run: (state) => okBytes(state.guid) },
  [GET_DEVICE_GUID]: { privilege: user, least: 0, run: (state) => okBytes(state.guid) },
  [wire.APP.getChannelAuthCapabilities]: { privilege: ANYONE, least: 2, run: authCapabilities },
  [wire.APP.getChannelCipherSuites]: { privilege: ANYONE, least: 3, run: cipherSuites },
  [wire.APP.setSessionPrivilege]: { privilege: callback, least: 1, run: setPrivilege },
  [wire.APP.closeSession]: { privilege: callback, least: 4, run: closeSession },
  [wire.APP.getSessionInfo]: { privilege: user, least: 1, run: sessionInfo },
  [wire.APP.getChannelInfo]: { privilege: user, least: 1, run: channelInfo },
  [wire.APP.getChannelAccess]: { privilege: user, least: 2, run: channelAccess },
  [wire.APP.getUserAccess]: { privilege: operator, least: 2, run: getUserAccess },
  [wire.APP.setUserAccess]: { privilege: administrator, least: 3, run: setUserAccess },
  [wire.APP.getUserName]: { privilege: operator, least: 1, run: getUserName },
  [wire.APP.setUserName]: { privilege: administrator, least: 17, run: setUserName },
  [wire.APP.setUserPassword]: { privilege: administrator, least: 2, run: setUserPassword },
};
