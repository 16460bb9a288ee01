// The API server as a process of its own: node lib/apiserver/main.ts DIR [PORT]. Ends on SIGTERM or SIGINT.
import { startApiServer } from './server.ts';

const [dir, port = '0'] = process.argv.slice(2);
if (dir === undefined || !/^\d{1,5}$/.test(port)) {
  console.error('Usage: node lib/apiserver/main.ts DIR [PORT]');
  process.exit(2);
}
try {
  const server = await startApiServer({ dir, port: Number(port), log: (line) => console.error(line) });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
  console.log(`serving ${server.url} with ${server.kubeconfigPath}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
