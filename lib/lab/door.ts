// A way through the wall around the lab's network: who connects to a server inside is passed on to a port outside.
import { connect, type Server, type Socket } from 'node:net';

export interface Door {
  close(): Promise<void>;
}

/** Takes the server over. Whoever comes while nobody is at home outside is turned away, as by a closed port. */
export function openDoor(server: Server, to: { readonly host: string; readonly port: number }): Door {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    // An end that breaks breaks the other, as one connection would; 'close' follows. What is still on its way to the other
    // when one is closed in good order arrives: pipe() sees to it.
    socket.on('error', () => other.destroy());
    socket.on('close', (broken) => {
      sockets.delete(socket);
      if (broken) other.destroy();
    });
  };
  server.on('connection', (inner) => {
    const outer = connect(to);
    keep(inner, outer);
    keep(outer, inner);
    inner.pipe(outer);
    outer.pipe(inner);
  });
  return {
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
