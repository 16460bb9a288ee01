// The serial line between a machine and its BMC. The machine comes and goes with its power, the BMC stays: so both are
// connected here, and what the machine says is kept in a file too.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface SerialLine {
  /** TCP port of 127.0.0.1 for the BMC. */
  readonly port: number;
  close(): Promise<void>;
}

/** @param machineSocket Unix socket for the machine @param logFile gets all that the machine says */
export async function openSerialLine(machineSocket: string, logFile: string): Promise<SerialLine> {
  const log = createWriteStream(logFile, { flags: 'a' });
  const ends = { machine: new Set<Socket>(), bmc: new Set<Socket>() };
  const connect = (side: 'machine' | 'bmc', socket: Socket) => {
    const others = side === 'machine' ? ends.bmc : ends.machine;
    ends[side].add(socket);
    socket.on('data', (bytes) => {
      if (side === 'machine') log.write(bytes);
      for (const other of others) other.write(bytes);
    });
    // Power that is cut breaks the line; 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => ends[side].delete(socket));
  };
  const machine = createServer((socket) => connect('machine', socket)).listen(machineSocket);
  const bmc = createServer((socket) => connect('bmc', socket)).listen(0, '127.0.0.1');
  await Promise.all([once(machine, 'listening'), once(bmc, 'listening')]);
  return {
    port: (bmc.address() as AddressInfo).port,
    async close() {
      for (const socket of [...ends.machine, ...ends.bmc]) socket.destroy();
      await Promise.all([closed(machine), closed(bmc)]);
      log.end();
      await once(log, 'finish');
    },
  };
}

const closed = (server: Server) => new Promise((resolve) => server.close(resolve));
