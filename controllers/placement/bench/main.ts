// npm run bench:scheduler: the pure scheduler's decisions; with --e2e what is bound through an API server, with --flood how long
// that takes beside requests that fit nowhere.
if (process.argv.includes('--e2e')) await import('./e2e.ts');
else if (process.argv.includes('--flood')) await import('./flood.ts');
else await import('../../../lib/scheduler/bench/decisions.ts');
