// The least that one poll can cost: a sealed request sent, a sealed answer received and opened. Nothing around it.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { CIPHER_SUITES, deriveKeys } from '../ipmi/wire/cipher.ts';
import { decodePacket, type PlusPacket, seal, unseal } from '../ipmi/wire/packet.ts';

/** Microseconds of CPU for each, in this process: both datagrams are sent and received here, and half of that counted. */
export async function measureFloor(rounds: number): Promise<number> {
  const keys = deriveKeys(CIPHER_SUITES[17], randomBytes(32));
  const [near, far] = [createSocket('udp4'), createSocket('udp4')];
  for (const socket of [near, far]) {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  const sealed = () => seal(keys, { payloadType: 0, sessionId: 1, sequence: 1, payload: Buffer.alloc(11) });
  const turn = (socket: typeof near, to: typeof far) => (datagram: Buffer) => {
    unseal(keys, decodePacket(datagram.subarray(4)) as PlusPacket);
    if (--left > 0) socket.send(sealed(), to.address().port, '127.0.0.1');
  };
  let left = rounds * 2;
  near.on('message', turn(near, far));
  far.on('message', turn(far, near));
  const before = process.cpuUsage();
  near.send(sealed(), far.address().port, '127.0.0.1');
  while (left > 0) await once(near, 'message');
  const { user, system } = process.cpuUsage(before);
  near.close();
  far.close();
  return (user + system) / rounds / 2;
}
