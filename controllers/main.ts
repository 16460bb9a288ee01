#!/usr/bin/env node
// The `bmp` command, also installed as `kubectl-bmp`: the CLI, with the operator handed to it.
import { main } from '../lib/cli/main.ts';

// A reader that goes away, as head(1) does, has seen enough: ended as by SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(141);
});

process.exitCode = await main(process.argv.slice(2), async (options, signal) => {
  const { startOperator } = await import('./operator.ts');
  return startOperator(options, signal);
});
