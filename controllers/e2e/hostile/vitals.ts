// Samples of a process's vitals, and whether they tell of a leak. Pure.
import type { Vitals } from './replica.ts';

export interface Sample extends Vitals {
  /** Before the bad days and after them everything is at rest. */
  readonly when: 'before' | 'during' | 'after';
  /** Which process, counted from 1. */
  readonly process: number;
}

/** What may grow: caches by the objects that come, pools up to their bounds. */
const ALLOWED_SHARE = 1.25;
const ALLOWED_HEAP_MB = 10;
const ALLOWED_HANDLES = 50;
/** A younger process has yet to fill its caches. */
const WARM_MS = 20_000;

/** What has grown beyond what is allowed, within one process and from rest to rest. */
export function swollen(samples: readonly Sample[]): string[] {
  const rest = samples.filter(({ when }) => when !== 'during');
  const busy = Map.groupBy(
    samples.filter(({ when, ageMs }) => when === 'during' && ageMs > WARM_MS),
    ({ process }) => process,
  );
  return [
    ...[...busy].flatMap(([process, of]) => heapGrowth(`process ${process}`, of[0]!, of.at(-1)!)),
    ...(rest.length < 2
      ? []
      : [...heapGrowth('at rest', rest[0]!, rest.at(-1)!), ...handleGrowth(rest[0]!, rest.at(-1)!)]),
  ];
}

function heapGrowth(told: string, first: Vitals, last: Vitals): string[] {
  const most = first.heapMB * ALLOWED_SHARE + ALLOWED_HEAP_MB;
  return last.heapMB > most ? [`${told}: the heap grew from ${first.heapMB} to ${last.heapMB} MiB`] : [];
}

function handleGrowth(first: Vitals, last: Vitals): string[] {
  return (['sockets', 'timers'] as const).flatMap((name) =>
    last[name] > first[name] * ALLOWED_SHARE + ALLOWED_HANDLES
      ? [`at rest: ${first[name]} ${name} became ${last[name]}`]
      : [],
  );
}
