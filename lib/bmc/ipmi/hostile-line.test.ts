// A line on which somebody else sends too, from the BMC's own address: damaged, replayed and foreign packets change nothing.
// test-deadline: 300
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LAB_ADMIN, type Lab, PATIENT, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import { createRandom } from '../../testing/random.ts';
import type { Driver } from '../driver.ts';
import { mutatedBytes } from '../fuzz/mutate.ts';
import { openDriver } from '../open.ts';
import { Transport } from './transport.ts';

const within = () => AbortSignal.timeout(60_000);

/** What comes along with each of the BMC's datagrams, before it and after it. */
type Noise = (genuine: Buffer) => { before?: readonly Buffer[]; after?: readonly Buffer[] };

interface Line {
  readonly transport: Transport;
  readonly driver: Driver;
}

const isSigned = (datagram: Buffer) => (datagram[5]! & 0x40) !== 0;

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** A driver that reaches the BMC through a relay, which adds the noise. */
async function withNoise({ port }: Lab, noise: Noise, body: (line: Line) => Promise<void>): Promise<void> {
  const [near, far] = [await bound(), await bound()];
  const transport = new Transport();
  let console = 0;
  near.on('message', (datagram, from) => {
    console = from.port;
    far.send(datagram, port, '127.0.0.1');
  });
  far.on('message', (datagram) => {
    const { before = [], after = [] } = noise(datagram);
    for (const each of [...before, datagram, ...after]) near.send(each, console, '127.0.0.1');
  });
  const target = { address: `ipmi://127.0.0.1:${near.address().port}`, credentials: LAB_ADMIN };
  const driver = openDriver(target, { transport, ipmi: PATIENT });
  try {
    await body({ transport, driver });
    await driver.close();
    assert.is(transport.size, 0, 'no conversation is left behind');
  } finally {
    transport.close();
    near.close();
    far.close();
  }
}

async function exercise(driver: Driver, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const action = i % 2 === 0 ? 'on' : 'off';
    await driver.setPower(action, within());
    assert.is(await driver.power(within()), action === 'on' ? 'On' : 'Off');
  }
}

test('ten damaged copies of every reply', async () => {
  await withSimulatedBmc(async (lab) => {
    const random = createRandom(2026);
    const copies = (genuine: Buffer) => Array.from({ length: 10 }, () => mutatedBytes(genuine, random));
    // Nothing vouches for the messages of a log-in before its end: there a damaged one may end that log-in.
    const noise: Noise = (genuine) =>
      isSigned(genuine) ? { before: copies(genuine).filter((copy) => !copy.equals(genuine)) } : {};
    await withNoise(lab, noise, async ({ driver, transport }) => {
      await exercise(driver, 100);
      assert.is(lab.bmc.sessions, 1);
      assert.ok(transport.dropped > 1000);
    });
  });
});

test('every reply again, twice, and once more when the next one comes', async () => {
  await withSimulatedBmc(async (lab) => {
    let last: Buffer | undefined;
    const noise: Noise = (genuine) => {
      const before = last ? [last] : [];
      last = genuine;
      return { before, after: [genuine, genuine] };
    };
    await withNoise(lab, noise, async ({ driver }) => {
      await exercise(driver, 20);
      assert.is(lab.bmc.sessions, 1);
      assert.is(lab.chassis.actions.length, 20, 'each action once');
    });
  });
});

test("another session's replies, genuine there, with this one's number on them", async () => {
  await withSimulatedBmc(async (lab) => {
    // The other session's reply is kept, and put on this line under this line's session id.
    let stolen: Buffer | undefined;
    const thief: Noise = (genuine) => {
      stolen = genuine;
      return {};
    };
    await withNoise(lab, thief, async ({ driver: other }) => {
      await other.setPower('on', within());
      await other.power(within());
      const noise: Noise = (genuine) => {
        const forged = Buffer.from(stolen!);
        genuine.copy(forged, 6, 6, 14); // session id and sequence number
        return { before: [forged, stolen!] };
      };
      await withNoise(lab, noise, async ({ driver, transport }) => {
        await driver.setPower('off', within());
        const before = transport.dropped;
        assert.is(await driver.power(within()), 'Off', 'not what the other session was told');
        assert.ok(transport.dropped >= before + 2);
      });
    });
  });
});

test.run();
