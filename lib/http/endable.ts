// Ends an HTTP or HTTPS server with every connection that it has.
//
// `closeAllConnections` knows only those on which HTTP is spoken already: one whose TLS handshake is still under way lives on,
// is served by a process that was about to end, and keeps it from ending.
import type { Server, Socket } from 'node:net';

/** To be called before the server listens. Calling what it gives ends the server, and resolves when nothing of it is left. */
export function endable(server: Server): () => Promise<void> {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return () =>
    new Promise((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
      for (const socket of connections) socket.destroy();
    });
}
