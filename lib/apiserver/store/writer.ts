// The writer thread: owns the database, so that an fdatasync never stops the event loop that answers requests.
import { parentPort, workerData } from 'node:worker_threads';
import { Database } from './database.ts';
import type { FromWriter, ToWriter, WriterOptions } from './records.ts';

function serve(port: NonNullable<typeof parentPort>, options: WriterOptions): void {
  const say = (message: FromWriter) => port.postMessage(message);
  const words = (error: unknown) => (error as Error).message;
  let database: Database;
  try {
    database = new Database(options);
  } catch (error) {
    say({ type: 'failed', message: words(error) });
    port.close();
    return;
  }
  const answer = (message: ToWriter) => {
    switch (message.type) {
      case 'load':
        say({ type: 'opened', compacted: database.compacted, lineage: database.lineage });
        for (const records of database.load()) say({ type: 'loading', records });
        return say({ type: 'loaded' });
      case 'commit':
        database.commit(message.batch);
        return say({ type: 'committed' });
      case 'backup':
        return void database.backup(message.path).then(
          () => say({ type: 'backed-up', path: message.path }),
          (error: unknown) => say({ type: 'backed-up', path: message.path, failure: words(error) }),
        );
      default:
        database.close();
        say({ type: 'closed' });
        return port.close();
    }
  };
  port.on('message', (message: ToWriter) => {
    try {
      answer(message);
    } catch (error) {
      say({ type: 'failed', message: words(error) });
    }
  });
}

if (parentPort) serve(parentPort, workerData as WriterOptions);
