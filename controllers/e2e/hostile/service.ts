// What a Service does in a cluster: one address that leads connections to the replica that leads. Connections that stand stay
// where they are, as they do there.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Service extends AsyncDisposable {
  readonly port: number;
}

/** Leads what connects to a free port of 127.0.0.1 to the same port of the address that `target` gives. */
export async function startService(target: () => string | undefined): Promise<Service> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const server: Server = createServer((near) => {
    track(near);
    const host = target();
    if (host === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(port, host);
    track(far);
    near.pipe(far).pipe(near);
    // Either end takes the other with it.
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.resetAndDestroy()).on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
