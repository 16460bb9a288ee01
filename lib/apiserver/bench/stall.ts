// Loaded into the server that is measured (node --import): tells its parent, when asked, how long its event loop stood still at most
// since it was asked last.
import { performance } from 'node:perf_hooks';

const TICK = 2;
let [last, longest] = [performance.now(), 0];

setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last - TICK);
  last = now;
}, TICK).unref();

process.on('message', () => {
  process.send?.(longest);
  longest = 0;
});
process.channel?.unref();
