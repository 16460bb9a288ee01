// Sensor records, readings, events and inventories: known bytes, and damaged ones.
// test-deadline: 300
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../../sim/bmc/faults.ts';
import { LAB_FRU } from '../../../sim/bmc/lab.ts';
import { WireError } from './bytes.ts';
import { eventMeaning, statesIn, worst } from './events.ts';
import { decodeFru, encodeFru } from './fru.ts';
import { convert, decodeReading, decodeThresholds, thresholdHealth, unconvert } from './reading.ts';
import { type Conversion, decodeFactors, decodeRecord, encodeFactors } from './sdr.ts';
import { decodeSelRecord, encodeSelRecord, eventText } from './sel.ts';
import { decodeText } from './text.ts';
import { unitText } from './units.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const LINEAR: Conversion = { format: 'unsigned', linearization: 0, m: 1, b: 0, bExponent: 0, resultExponent: 0 };

test('every linearisation and every format', () => {
  const raw = (linearization: number, x: number) => convert(x, { ...LINEAR, linearization });
  assert.is(raw(0, 100), 100);
  assert.is(raw(1, 1), 0);
  assert.is(raw(2, 100), 2);
  assert.is(raw(3, 8), 3);
  assert.is(raw(4, 0), 1);
  assert.is(raw(5, 3), 1000);
  assert.is(raw(6, 5), 32);
  assert.is(raw(7, 4), 0.25);
  assert.is(raw(8, 9), 81);
  assert.is(raw(9, 3), 27);
  assert.is(raw(10, 81), 9);
  assert.is(raw(11, 27), 3);
  assert.is(raw(7, 0), undefined, 'one divided by nothing');
  assert.is(raw(12, 1), undefined, 'not in the specification');
  assert.is(convert(0xf6, { ...LINEAR, format: 'twos-complement' }), -10);
  assert.is(convert(0xf6, { ...LINEAR, format: 'ones-complement' }), -9);
  assert.is(convert(0xf6, { ...LINEAR, format: 'none' }), undefined);
  assert.is(convert(120, { ...LINEAR, m: 63, b: 2, bExponent: 1, resultExponent: -3 }), 7.58);
});

test('factors keep their signs, and linear readings come back', () => {
  const random = seededRandom(5);
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  for (let i = 0; i < 500; i++) {
    const factors = {
      m: between(-512, 511) || 1,
      b: between(-512, 511),
      bExponent: between(-8, 7),
      resultExponent: between(-8, 7),
    };
    assert.equal(decodeFactors(encodeFactors({ ...LINEAR, ...factors })), factors);
  }
  for (let raw = 0; raw < 256; raw++) {
    const conversion: Conversion = { ...LINEAR, format: 'twos-complement', m: 3, b: 5, resultExponent: -1 };
    assert.is(unconvert(convert(raw, conversion)!, conversion), raw);
    const ones: Conversion = { ...conversion, format: 'ones-complement' };
    if (raw !== 0xff) assert.is(unconvert(convert(raw, ones)!, ones), raw); // FFh is zero once more
  }
});

test('a compact record that stands for several sensors names each', () => {
  const header = '0700 51 02 1f  20 00 40 0d 01 7f 00 0d 6f';
  const rest = 'ff01 ff01 ff01 c0 00 00 03 81 00 00 000000 00 c4 44534b20';
  const record = hex(header + rest);
  const [first, , third] = decodeRecord(record);
  assert.is(decodeRecord(record).length, 3);
  assert.equal(first?.kind === 'sensor' && [first.name, first.number, first.entityInstance], ['DSK1', 0x40, 1]);
  assert.equal(third?.kind === 'sensor' && [third.name, third.number, third.entityInstance], ['DSK3', 0x42, 3]);
});

test('text in every encoding', () => {
  assert.equal(decodeText(hex('c3 41 42 43'), 'unicode'), { text: 'ABC', length: 4 });
  assert.equal(decodeText(hex('42 12 3a'), 'binary'), { text: '123 ', length: 3 });
  assert.equal(decodeText(hex('83 29 dc a6'), 'binary'), { text: 'IPMI', length: 4 });
  assert.equal(decodeText(hex('02 be ef'), 'binary'), { text: 'beef', length: 3 });
  assert.equal(decodeText(hex('04 4100 e400'), 'unicode'), { text: 'Aä', length: 5 });
  assert.equal(decodeText(hex('c5 41 1b 42 00 43'), 'unicode'), { text: 'AB', length: 6 });
});

test('units with modifiers and rates', () => {
  const units = { percent: false, base: 1, modifier: 0, modifierUse: 0, rate: 0 };
  assert.is(unitText(units), 'degrees C');
  assert.is(unitText({ ...units, base: 6, modifier: 24, modifierUse: 2 }), 'Watts * hour');
  assert.is(unitText({ ...units, base: 70, rate: 3 }), 'byte per second');
  assert.is(unitText({ ...units, percent: true }), 'percent');
});

test('readings, thresholds and their health', () => {
  assert.equal(decodeReading(hex('2a c0 c9')), { raw: 0x2a, states: 0xc9 });
  assert.equal(decodeReading(hex('2a e0 c0')), { raw: undefined, states: 0 });
  assert.equal(decodeReading(hex('2a 80')), { raw: undefined, states: 0 });
  assert.equal(decodeThresholds(hex('18 01 02 03 04 05 06')), { upperNonCritical: 4, upperCritical: 5 });
  assert.is(thresholdHealth(0xc0), 'ok');
  assert.is(thresholdHealth(0b001_000), 'warning');
  assert.is(thresholdHealth(0b011_000), 'critical');
});

test('states and events in words', () => {
  assert.equal(eventMeaning(0x6f, 0x0c, 1), { text: 'uncorrectable ECC', severity: 'critical' });
  assert.equal(eventMeaning(0x0b, 0x08, 1), { text: 'redundancy lost', severity: 'warning' });
  assert.equal(eventMeaning(0x6f, 0xc5, 3), { text: 'state 3', severity: 'unknown' });
  assert.equal(
    statesIn(0b101, 0x6f, 0x25).map(({ text }) => text),
    ['present', 'disabled'],
  );
  assert.is(worst([]), 'ok');
  assert.is(worst(['ok', 'critical', 'warning']), 'critical');
});

test('event log records of every type', () => {
  const none = () => undefined;
  const memory = decodeSelRecord(hex('0100 02 15cd5b65 2000 04 0c 60 6f 31 ff 05'));
  assert.is(memory.seconds, 0x655bcd15);
  assert.equal(eventText(memory, none), { message: 'uncorrectable ECC (module 5)', severity: 'critical' });
  const relative = decodeSelRecord(hex('0100 02 15000000 2000 04 01 30 81 57 2a 28'));
  assert.is(relative.seconds, undefined);
  assert.equal(
    eventText(relative, (raw) => `${raw} V`),
    { message: 'upper non-critical going high (reading 42 V, threshold 40 V)', severity: 'ok' },
  );
  const stamped = decodeSelRecord(hex('0200 c0 15cd5b65 a20200 010203040506'));
  assert.is(eventText(stamped, none).message, 'OEM record 0xc0: a20200010203040506');
  const unstamped = decodeSelRecord(hex('0300 e0 0102030405060708090a0b0c0d'));
  assert.is(eventText(unstamped, none).message, 'OEM record 0xe0: 0102030405060708090a0b0c0d');
  const oemEvent = decodeSelRecord(hex('0400 02 15cd5b65 2000 04 0c 60 72 01 02 03'));
  assert.equal(eventText(oemEvent, none), { message: 'OEM event 0x72: 010203', severity: 'unknown' });
  const event = {
    generator: 0x20,
    lun: 0,
    sensorType: 8,
    sensorNumber: 0x31,
    eventType: 0x6f,
    asserted: false,
    data: [1, 2, 3] as const,
  };
  assert.equal(decodeSelRecord(encodeSelRecord(9, 0x655bcd15, event)).event, event);
});

test('inventories survive the wire, whole and in part', () => {
  assert.equal(decodeFru(encodeFru(LAB_FRU)), LAB_FRU);
  assert.equal(decodeFru(encodeFru({ board: LAB_FRU.board })), { board: LAB_FRU.board });
  assert.equal(decodeFru(encodeFru({})), {});
  const short = { type: 1, partNumber: 'B', serialNumber: 'after one letter' };
  assert.equal(decodeFru(encodeFru({ chassis: short })), { chassis: short });
});

test('a damaged inventory is refused', () => {
  const bytes = encodeFru(LAB_FRU);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x04;
    assert.throws(
      () => decodeFru(damaged),
      (error: Error) => error instanceof WireError,
    );
  }
});

test.run();
