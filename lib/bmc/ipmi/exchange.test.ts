// One question and its answer, when the process itself is the slow one.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exchange, NoReply } from './exchange.ts';
import { Transport } from './transport.ts';
import { encodeLegacy, type Packet } from './wire/packet.ts';

/** Sends every datagram back from a thread of its own, counting those that are on their way. */
const ECHO = `
const { parentPort, workerData } = require('node:worker_threads');
const socket = require('node:dgram').createSocket('udp4');
const sent = new Int32Array(workerData);
socket.on('message', (datagram, from) => socket.send(datagram, from.port, from.address, () => {
  Atomics.add(sent, 0, 1);
  Atomics.notify(sent, 0);
}));
socket.bind(0, '127.0.0.1', () => parentPort.postMessage(socket.address().port));
`;

const NEVER = new AbortController().signal;

async function withEcho(body: (port: number, transport: Transport, sent: Int32Array) => Promise<void>): Promise<void> {
  const shared = new SharedArrayBuffer(4);
  const echo = new Worker(ECHO, { eval: true, workerData: shared });
  const transport = new Transport();
  try {
    const [port] = (await once(echo, 'message')) as [number];
    await body(port, transport, new Int32Array(shared));
  } finally {
    transport.close();
    await echo.terminate();
  }
}

const question = (schedule: number[]) => ({
  datagram: () => encodeLegacy(Buffer.from('hello')),
  schedule,
  answer: (packet: Packet) => packet.payload.toString(),
});

test('an answer that came while the process stood still counts, although its time is over', async () => {
  await withEcho(async (port, transport, sent) => {
    const endpoint = transport.open({ host: '127.0.0.1', port });
    assert.is(await exchange(transport, endpoint, question([60_000]), NEVER), 'hello');
    const answer = exchange(transport, endpoint, question([30]), NEVER);
    await new Promise(setImmediate); // it is on its way
    const until = performance.now() + 100;
    while (Atomics.load(sent, 0) < 2) Atomics.wait(sent, 0, 1); // nothing else runs in this thread meanwhile
    while (performance.now() < until) Atomics.load(sent, 0);
    assert.is(await answer, 'hello');
  });
});

test('silence is told after the last sending', async () => {
  await withEcho(async (port, transport, sent) => {
    const endpoint = transport.open({ host: '127.0.0.1', port });
    const deaf = { ...question([5, 5, 5]), answer: () => undefined };
    const error = await exchange(transport, endpoint, deaf, NEVER).then(
      () => assert.unreachable(),
      (failure: unknown) => failure,
    );
    assert.instance(error, NoReply);
    while (Atomics.load(sent, 0) < 3) Atomics.wait(sent, 0, Atomics.load(sent, 0), 1000);
    assert.is(Atomics.load(sent, 0), 3);
  });
});

test.run();
