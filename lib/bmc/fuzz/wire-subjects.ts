// Every decoder of IPMI's messages, with messages that it accepts: what damaged ones are made from.
import { randomBytes } from 'node:crypto';
import * as channel from '../ipmi/wire/channel.ts';
import * as chassis from '../ipmi/wire/chassis.ts';
import { CIPHER_SUITES, deriveKeys, hmac } from '../ipmi/wire/cipher.ts';
import * as dcmi from '../ipmi/wire/dcmi.ts';
import * as device from '../ipmi/wire/device.ts';
import * as fru from '../ipmi/wire/fru.ts';
import * as lan from '../ipmi/wire/lan.ts';
import * as message from '../ipmi/wire/message.ts';
import * as packet from '../ipmi/wire/packet.ts';
import * as rakp from '../ipmi/wire/rakp.ts';
import * as reading from '../ipmi/wire/reading.ts';
import * as rmcp from '../ipmi/wire/rmcp.ts';
import * as sdr from '../ipmi/wire/sdr.ts';
import * as sel from '../ipmi/wire/sel.ts';
import * as sol from '../ipmi/wire/sol.ts';
import * as text from '../ipmi/wire/text.ts';
import { sensorTypeText, unitText } from '../ipmi/wire/units.ts';

export interface WireSubject {
  readonly decode: (bytes: Buffer) => unknown;
  readonly samples: readonly Buffer[];
}

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

const ALGORITHMS = { authentication: 3, integrity: 4, confidentiality: 1 };
const NONCE = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const REQUEST = { netFn: 6, sequence: 1, command: 1, data: NONCE };
const request = message.encodeRequest(REQUEST);
const response = message.encodeResponse({ ...REQUEST, lun: 0, requester: 0x81 }, 0, NONCE);
const keys = deriveKeys(CIPHER_SUITES[17], randomBytes(32));
const sealed = packet.seal(keys, { payloadType: 0, sessionId: 5, sequence: 7, payload: request });

/** A datagram as the transport and the session take it apart. */
function datagram(bytes: Buffer): unknown {
  const { messageClass, data } = rmcp.decodeRmcp(bytes);
  if (messageClass === 'asf') return rmcp.decodePing(data);
  const received = packet.decodePacket(data);
  return received.framing === '2.0' ? packet.unseal(keys, received) : message.decodeResponse(received.payload);
}

/** The same with a signature that is right, as a BMC with broken firmware sends it: what lies behind it is reached, too. */
function signed(bytes: Buffer): unknown {
  const code = hmac(keys.suite, keys.integrity, bytes).subarray(0, keys.suite.authCodeLength);
  const received = packet.decodePacket(Buffer.concat([bytes, code]));
  return received.framing === '2.0' ? message.decodeResponse(packet.unseal(keys, received)) : undefined;
}

const unsigned = (whole: Buffer) => whole.subarray(4, whole.length - keys.suite.authCodeLength);

/** A sensor record with all that is made of it: units, numbers, thresholds. */
function wholeRecord(bytes: Buffer): unknown {
  return sdr.decodeRecord(bytes).map((record) => {
    if (record.kind !== 'sensor') return record;
    const { conversion, units, sensorType } = record;
    const values = conversion && [0, 0x7f, 0x80, 0xff].map((raw) => reading.convert(raw, conversion));
    return [record, values, unitText(units), sensorTypeText(sensorType)];
  });
}

const entryInWords = (bytes: Buffer) => {
  const { record } = sel.decodeSelEntry(bytes);
  return [sel.eventText(record, String), record.event && sel.anonymousSensor(record.event)];
};

const FULL = sdr.encodeFullRecord({
  id: 1,
  number: 2,
  entity: 3,
  entityInstance: 1,
  sensorType: 1,
  eventType: 1,
  unit: 1,
  conversion: { format: 'twos-complement', linearization: 7, m: -3, b: 500, bExponent: 2, resultExponent: -4 },
  thresholds: { upperCritical: 90, lowerCritical: 3 },
  name: 'CPU1 Temp',
});
const COMPACT = hex(
  '0700 51 02 1f 20 00 40 0d 01 7f 00 0d 6f ff01 ff01 ff01 c0 00 00 13 81 00 00 000000 00 c4 44534b20',
);
const EVENT_ONLY = hex('0800 51 03 10 20 00 50 07 01 07 6f 02 80 00 00 c4 43505530');
const PARTS = fru.encodeFru({
  chassis: { type: 23, partNumber: 'CH-1', serialNumber: 'C7' },
  board: { manufacturer: 'Acme', product: 'Board', serialNumber: 'B7', partNumber: 'BX' },
  product: { manufacturer: 'Acme', name: 'X', partNumber: 'SX', version: '1', serialNumber: 'S7', assetTag: 'a' },
});
const EVENT = sel.encodeSelRecord(1, 0x655bcd15, {
  generator: 0x20,
  lun: 0,
  sensorType: 1,
  sensorNumber: 0x30,
  eventType: 1,
  asserted: true,
  data: [0x59, 95, 90],
});
const OEM_EVENT = Buffer.concat([hex('0200 c0 15cd5b65 571c00'), NONCE.subarray(0, 6)]);
const entries = [EVENT, OEM_EVENT].map((record) => Buffer.concat([hex('ffff'), record]));
const DRAWN = { current: 320, minimum: 260, maximum: 380, average: 320, periodMs: 60_000, measuring: true };
const failed = { tag: 1, status: 0x0d, consoleId: 8, bmcRandom: NONCE, bmcGuid: NONCE, authCode: NONCE };
const opened = { tag: 9, privilege: 4, consoleId: 1, algorithms: ALGORITHMS, status: 0, bmcId: 2 };
const rakp1 = { tag: 1, bmcId: 7, consoleRandom: NONCE, role: 0x14, username: Buffer.from('admin') };
const typed = { sequence: 3, acknowledged: 2, accepted: 7, refused: false, unavailable: false, deactivated: false };

/** By the decoder's name; those with a blank in theirs are several decoders in a row, as they are used. */
export const WIRE_SUBJECTS: Readonly<Record<string, WireSubject>> = {
  'a datagram': {
    decode: datagram,
    samples: [sealed, packet.encodeLegacy(response), packet.encodePlain(0x10, request), rmcp.encodePong(3)],
  },
  'a signed packet': { decode: signed, samples: [unsigned(sealed)] },
  'a sensor record': {
    decode: wholeRecord,
    samples: [FULL, COMPACT, EVENT_ONLY, sdr.encodeFruLocator(1, 0, 'System')],
  },
  'a log entry': { decode: entryInWords, samples: entries },
  decodeRmcp: { decode: rmcp.decodeRmcp, samples: [sealed, rmcp.encodePong(3)] },
  decodePing: { decode: rmcp.decodePing, samples: [hex('000011be 80 07 00 00')] },
  decodePacket: {
    decode: packet.decodePacket,
    samples: [sealed.subarray(4), packet.encodeLegacy(request).subarray(4)],
  },
  decodeRequest: { decode: message.decodeRequest, samples: [request] },
  decodeResponse: { decode: message.decodeResponse, samples: [response] },
  decodeOpenSessionRequest: {
    decode: rakp.decodeOpenSessionRequest,
    samples: [rakp.encodeOpenSessionRequest(opened)],
  },
  decodeOpenSessionResponse: {
    decode: rakp.decodeOpenSessionResponse,
    samples: [rakp.encodeOpenSessionResponse(opened)],
  },
  decodeRakp1: { decode: rakp.decodeRakp1, samples: [rakp.encodeRakp1(rakp1)] },
  decodeRakp2: {
    decode: rakp.decodeRakp2,
    samples: [rakp.encodeRakp2({ ...failed, status: 0 }), rakp.encodeRakp2(failed)],
  },
  decodeRakp3: {
    decode: rakp.decodeRakp3,
    samples: [rakp.encodeRakp3({ tag: 1, status: 0, bmcId: 7, authCode: NONCE })],
  },
  decodeRakp4: {
    decode: rakp.decodeRakp4,
    samples: [rakp.encodeRakp4({ tag: 1, status: 0, consoleId: 7, authCode: NONCE })],
  },
  decodeDeviceId: { decode: device.decodeDeviceId, samples: [hex('20 81 02 11 02 9f 91 12 00 02 0f 00 00 00 00')] },
  decodeSystemGuid: { decode: device.decodeSystemGuid, samples: [NONCE] },
  decodeChassisStatus: { decode: chassis.decodeChassisStatus, samples: [hex('21 10 60')] },
  decodeBootOption: { decode: chassis.decodeBootOption, samples: [hex('01 05 e0 04 00 00 00')] },
  decodeBootFlags: { decode: chassis.decodeBootFlags, samples: [hex('e0 04 00 00 00')] },
  decodeAuthCapabilities: { decode: channel.decodeAuthCapabilities, samples: [hex('01 80 04 02 00 00 00 00')] },
  decodeCipherSuitesResponse: { decode: channel.decodeCipherSuitesResponse, samples: [hex('01 c0 03 01 41 81')] },
  decodeCipherSuites: {
    decode: channel.decodeCipherSuites,
    samples: [channel.encodeCipherSuites([CIPHER_SUITES[3], CIPHER_SUITES[17]]), hex('c1 80 571c00 01 41 81')],
  },
  decodeUserAccess: { decode: channel.decodeUserAccess, samples: [hex('0a 42 01 14')] },
  decodeUserName: { decode: channel.decodeUserName, samples: [channel.encodeUserName('admin')] },
  decodeUserPassword: { decode: channel.decodeUserPassword, samples: [hex('82 02 61 62')] },
  decodeFruAreaInfo: { decode: fru.decodeFruAreaInfo, samples: [hex('00 04 00')] },
  decodeFru: { decode: fru.decodeFru, samples: [PARTS] },
  decodeRepositoryInfo: {
    decode: sdr.decodeRepositoryInfo,
    samples: [hex('51 0a00 ffff 00000000 00000000 02')],
  },
  decodeRecordHeader: { decode: sdr.decodeRecordHeader, samples: [FULL] },
  decodeRecord: { decode: sdr.decodeRecord, samples: [FULL, COMPACT, EVENT_ONLY] },
  decodeFactors: { decode: sdr.decodeFactors, samples: [hex('010203040506')] },
  decodeReading: { decode: reading.decodeReading, samples: [hex('2a c0 c9 80')] },
  decodeThresholds: { decode: reading.decodeThresholds, samples: [hex('18 01 02 03 04 05 06')] },
  decodeSelInfo: { decode: sel.decodeSelInfo, samples: [hex('51 0a00 ffff 00000000 00000000 02')] },
  decodeSelEntry: { decode: sel.decodeSelEntry, samples: entries },
  decodeSelRecord: { decode: sel.decodeSelRecord, samples: [EVENT, OEM_EVENT] },
  decodeSol: { decode: sol.decodeSol, samples: [sol.encodeSol({ ...typed, data: Buffer.from('login: ') })] },
  decodeActivateResponse: { decode: sol.decodeActivateResponse, samples: [sol.encodeActivateResponse(128, 623)] },
  decodeLanParameter: { decode: (bytes) => lan.decodeLanParameter(bytes, 4), samples: [hex('11 c000020a')] },
  decodeIpv4: { decode: lan.decodeIpv4, samples: [hex('c000020a')] },
  decodeMac: { decode: lan.decodeMac, samples: [hex('525400123456')] },
  decodeAddressSource: { decode: lan.decodeAddressSource, samples: [hex('02')] },
  decodeVlan: { decode: lan.decodeVlan, samples: [hex('2a80')] },
  decodeChannelInfo: { decode: lan.decodeChannelInfo, samples: [hex('01 04 01 80 f21b00 0000')] },
  decodeDcmiCapabilities: { decode: dcmi.decodeDcmiCapabilities, samples: [hex('dc 01 05 02 00 01 00')] },
  decodePowerReading: {
    decode: dcmi.decodePowerReading,
    samples: [dcmi.encodePowerReading(DRAWN, 0x655bcd15)],
  },
  decodeText: {
    decode: (bytes) => [text.decodeText(bytes, 'binary'), text.decodeText(bytes, 'unicode')],
    samples: [hex('c4 44534b20'), hex('83 64c937'), hex('42 1234'), hex('04 41004200')],
  },
};
