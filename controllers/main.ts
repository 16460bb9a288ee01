#!/usr/bin/env node
// The `bmp` command, also installed as `kubectl-bmp`: the CLI, with the operator handed to it.
import { main } from '../lib/cli/main.ts';

process.exitCode = await main(process.argv.slice(2), async (options, signal) => {
  const { startOperator } = await import('./operator.ts');
  return startOperator(options, signal);
});
