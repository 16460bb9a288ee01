// The codecs: what they write they read, and known values come out. Damaged messages: see ../../fuzz.
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from './bytes.ts';
import * as channel from './channel.ts';
import * as chassis from './chassis.ts';
import { CIPHER_SUITES, deriveKeys, hmac } from './cipher.ts';
import { completionText } from './completion.ts';
import * as device from './device.ts';
import * as message from './message.ts';
import * as packet from './packet.ts';
import * as rakp from './rakp.ts';
import * as rmcp from './rmcp.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const SUITES = [CIPHER_SUITES[3], CIPHER_SUITES[17]];

test('authentication codes are those of RFC 2104', () => {
  for (const suite of Object.values(CIPHER_SUITES)) {
    for (const length of [0, 1, 16, 20, 32, 63, 64]) {
      const [key, first, second] = [randomBytes(length), randomBytes(length), randomBytes(200)];
      const expected = createHmac(suite.hash, key).update(first).update(second).digest();
      assert.equal(hmac(suite, key, first, second), expected);
    }
  }
});

test('a request on the wire is the one that the specification draws', () => {
  const request = { netFn: message.NETFN.app, sequence: 1, command: 0x38, data: hex('8e 04') };
  const datagram = packet.encodeLegacy(message.encodeRequest(request));
  assert.is(datagram.toString('hex'), '0600ff0700000000000000000009' + '2018c88104388e04b1');
});

test('requests and responses survive the wire', () => {
  for (let sequence = 0; sequence < 64; sequence++) {
    const data = randomBytes(sequence);
    const request = message.decodeRequest(message.encodeRequest({ netFn: 0x0a, sequence, command: 0x43, data }));
    assert.equal([request.netFn, request.sequence, request.command], [0x0a, sequence, 0x43]);
    assert.equal(Buffer.from(request.data), data);
    const response = message.decodeResponse(message.encodeResponse(request, 0xc1, data));
    assert.equal([response.netFn, response.sequence, response.completion], [0x0b, sequence, 0xc1]);
    assert.equal(Buffer.from(response.data), data);
  }
});

test('a sealed packet opens with its keys only, whatever its length', () => {
  for (const suite of SUITES) {
    const keys = deriveKeys(suite, randomBytes(suite.digestLength));
    const others = deriveKeys(suite, randomBytes(suite.digestLength));
    for (let length = 0; length < 70; length++) {
      const payload = randomBytes(length);
      const datagram = packet.seal(keys, { payloadType: 0, sessionId: 0xfedcba98, sequence: 7, payload });
      const received = packet.decodePacket(rmcp.decodeRmcp(datagram).data);
      if (received.framing !== '2.0') throw new Error('another framing');
      assert.is(received.sessionId, 0xfedcba98);
      assert.equal(packet.unseal(keys, received), payload);
      assert.throws(() => packet.unseal(others, received), /authentication code does not match/);
    }
  }
});

test('a changed bit anywhere in a sealed packet is found', () => {
  for (const suite of SUITES) {
    const keys = deriveKeys(suite, randomBytes(20));
    const datagram = packet.seal(keys, { payloadType: 0, sessionId: 5, sequence: 7, payload: randomBytes(9) });
    const { data } = rmcp.decodeRmcp(datagram);
    for (let bit = 0; bit < data.length * 8; bit++) {
      const damaged = Buffer.from(data);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(
        () => {
          const received = packet.decodePacket(damaged);
          if (received.framing !== '2.0') throw new WireError('framing');
          packet.unseal(keys, received);
        },
        (error: Error) => error instanceof WireError,
      );
    }
  }
});

test('nothing is decrypted before its authentication code held', () => {
  for (const suite of SUITES) {
    const keys = deriveKeys(suite, randomBytes(20));
    const forged = Buffer.alloc(60, 0xff); // 14 bytes cannot be decrypted: they are no block
    packet.encodePlain(0xc0, Buffer.alloc(14)).subarray(4).copy(forged);
    const received = packet.decodePacket(forged);
    if (received.framing !== '2.0') throw new Error('another framing');
    assert.throws(() => packet.unseal(keys, received), /authentication code does not match/);
    const code = hmac(suite, keys.integrity, forged.subarray(0, -suite.authCodeLength));
    code.copy(forged, forged.length - suite.authCodeLength, 0, suite.authCodeLength);
    assert.throws(() => packet.unseal(keys, received), /encrypted payload of 14 bytes/);
  }
});

test('set-up messages survive the wire', () => {
  const algorithms = { authentication: 3, integrity: 4, confidentiality: 1 };
  const open = { tag: 9, privilege: 4, consoleId: 0xa0a1a2a3, algorithms };
  assert.equal(rakp.decodeOpenSessionRequest(rakp.encodeOpenSessionRequest(open)), open);
  const opened = { ...open, status: 0, bmcId: 0xb0b1b2b3 };
  assert.equal(rakp.decodeOpenSessionResponse(rakp.encodeOpenSessionResponse(opened)), opened);
  const consoleRandom = randomBytes(16);
  const rakp1 = { tag: 1, bmcId: 7, consoleRandom, role: 0x14, username: Buffer.from('admin') };
  assert.equal(rakp.decodeRakp1(rakp.encodeRakp1(rakp1)), rakp1);
  const authCode = randomBytes(32);
  const rakp2 = { tag: 1, status: 0, consoleId: 8, bmcRandom: randomBytes(16), bmcGuid: randomBytes(16), authCode };
  assert.equal(rakp.decodeRakp2(rakp.encodeRakp2(rakp2)), rakp2);
  const rakp3 = { tag: 1, status: 0, bmcId: 7, authCode };
  assert.equal(rakp.decodeRakp3(rakp.encodeRakp3(rakp3)), rakp3);
  const rakp4 = { tag: 1, status: 0, consoleId: 8, authCode: authCode.subarray(0, 16) };
  assert.equal(rakp.decodeRakp4(rakp.encodeRakp4(rakp4)), { ...rakp4, authCode: Buffer.from(rakp4.authCode) });
});

test('device ids and GUIDs are read as BMCs send them', () => {
  const told = device.decodeDeviceId(hex('20 81 02 11 02 9f 91 12 00 02 0f 00 00 00 00'));
  assert.equal(told, {
    deviceId: 0x20,
    revision: 1,
    hasSensorRecords: true,
    firmware: '2.11',
    updating: false,
    ipmiVersion: '2.0',
    supports: 0x9f,
    manufacturerId: 0x1291,
    productId: 0x0f02,
  });
  assert.equal(device.decodeDeviceId(device.encodeDeviceId(told)), told);
  const guid = '9b4d7b4e-3d5c-4f0a-8c1e-1f2e3d4c5b6a';
  const smbios = device.encodeSystemGuid(guid);
  const text = hex(guid.replaceAll('-', ''));
  for (const order of [smbios, text, Buffer.from(text).reverse()]) assert.is(device.decodeSystemGuid(order), guid);
});

test('chassis status and boot flags survive the wire', () => {
  for (const identify of ['off', 'temporary', 'indefinite'] as const) {
    for (const restorePolicy of ['off', 'previous', 'on', 'unknown'] as const) {
      const status = { powerOn: true, powerFault: false, restorePolicy, poweredByCommand: true, identify };
      assert.equal(chassis.decodeChassisStatus(chassis.encodeChassisStatus(status)), status);
    }
  }
  for (const device of Object.keys(chassis.BOOT_SELECTOR) as (keyof typeof chassis.BOOT_SELECTOR)[]) {
    const flags = { valid: true, persistent: true, efi: true, device };
    assert.equal(chassis.decodeBootFlags(chassis.encodeBootFlags(flags)), flags);
  }
});

test('cipher suite records are read, OEM ones passed over', () => {
  assert.equal(channel.decodeCipherSuites(channel.encodeCipherSuites(SUITES)), [3, 17]);
  assert.equal(channel.decodeCipherSuites(hex('c0 00 00 40 80 c1 80 11 22 33 01 41 81 c0 11 03 44 81')), [0, 17]);
  assert.throws(
    () => channel.decodeCipherSuites(hex('11 03')),
    (error: Error) => error instanceof WireError,
  );
});

test('a completion code is told in words and by number', () => {
  assert.is(completionText(0xc1), 'invalid command (0xc1)');
  assert.is(completionText(0x80), 'completion code 0x80');
});

test.run();
