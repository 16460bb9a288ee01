// What namespace.ts starts inside a namespace: it makes a server there, passes it to its parent, and ends.
//
//   listener.ts HOST PORT
import { createServer } from 'node:net';

const [host, port] = process.argv.slice(2);
const server = createServer();
server.listen(Number(port), host, () => {
  process.send!('listening', server, undefined, (error) => {
    if (error) throw error;
    process.disconnect();
    server.close();
  });
});
