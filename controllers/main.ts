#!/usr/bin/env node
// The `bmp` command, also installed as `kubectl-bmp`: the CLI, with the operator handed to it.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Compiling our TypeScript is most of what a short command takes. The cache is the user's own: code is run from it.
const { XDG_CACHE_HOME, HOME } = process.env;
if (XDG_CACHE_HOME || HOME) enableCompileCache(join(XDG_CACHE_HOME || join(HOME!, '.cache'), 'bmp'));

// A reader that goes away, as head(1) does, has seen enough: ended as by SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(141);
});

const { main } = await import('../lib/cli/main.ts');
process.exitCode = await main(process.argv.slice(2), async (options, signal) => {
  const { startOperator } = await import('./operator.ts');
  return startOperator(options, signal);
});
