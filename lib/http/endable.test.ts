import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'uvu';
import { createCertificate } from '../provision/api/certificate.ts';
import { endable } from './endable.ts';

test('a connection that never gets as far as HTTP does not keep a server from ending', async () => {
  const server = createTlsServer(await createCertificate(['127.0.0.1'], new Date()));
  const end = endable(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined); // reset is as good an end as any
  await Promise.all([accepted, once(socket, 'connect')]);
  const closed = once(socket, 'close');
  await Promise.all([end(), closed]);
});

test.run();
