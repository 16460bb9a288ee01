// Loaded into the server that is measured (node --import): tells its parent, when asked, how long its event loop stood still at most
// since it was asked last: by the clock, and by the CPU time of its thread, which a busy machine does not lengthen.
import { performance } from 'node:perf_hooks';

/** Milliseconds. */
export interface Stall {
  readonly wall: number;
  readonly cpu: number;
}

const TICK = 2;

function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

let last = { wall: performance.now(), cpu: cpuTime() };
let longest: Stall = { wall: 0, cpu: 0 };

setInterval(() => {
  const now = { wall: performance.now(), cpu: cpuTime() };
  longest = {
    wall: Math.max(longest.wall, now.wall - last.wall - TICK),
    cpu: Math.max(longest.cpu, now.cpu - last.cpu),
  };
  last = now;
}, TICK).unref();

process.on('message', () => {
  process.send?.(longest);
  longest = { wall: 0, cpu: 0 };
});
// A benchmark that was ended leaves no server behind.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
