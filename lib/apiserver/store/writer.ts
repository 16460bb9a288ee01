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
  /** Backups under way, and the pause that each commit leaves them: until one has gone on by a part, or ended. */
  let backups = 0;
  let pause = Promise.withResolvers<void>();
  pause.resolve();
  const backup = async (path: string) => {
    backups++;
    try {
      await database.backup(path, () => pause.resolve());
      say({ type: 'backed-up', path });
    } catch (error) {
      say({ type: 'backed-up', path, failure: words(error) });
    } finally {
      backups--;
      pause.resolve();
    }
  };
  const answer = (message: ToWriter) => {
    switch (message.type) {
      case 'load':
        say({ type: 'opened', compacted: database.compacted, lineage: database.lineage });
        for (const records of database.load()) say({ type: 'loading', records });
        return say({ type: 'loaded' });
      case 'commit':
        database.commit(message.batch);
        if (backups > 0) pause = Promise.withResolvers();
        return say({ type: 'committed' });
      case 'backup':
        return void backup(message.path);
      default:
        database.close();
        say({ type: 'closed' });
        return port.close();
    }
  };
  const take = async (message: ToWriter) => {
    if (message.type === 'commit') await pause.promise;
    try {
      answer(message);
    } catch (error) {
      say({ type: 'failed', message: words(error) });
    }
  };
  port.on('message', (message: ToWriter) => void take(message));
}

if (parentPort) serve(parentPort, workerData as WriterOptions);
