// npm run bench:scheduler: the pure scheduler's decisions; with --e2e what is bound through an API server.
if (process.argv.includes('--e2e')) await import('./e2e.ts');
else await import('../../../lib/scheduler/bench/decisions.ts');
