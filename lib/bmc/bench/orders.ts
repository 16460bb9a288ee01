// What the benchmark tells its simulators, and how it logs in to them.
import type { PowerState } from '../driver.ts';

export type Order =
  | { readonly what: 'power'; readonly index: number; readonly state: PowerState }
  | { readonly what: 'recover'; readonly index: number }
  | { readonly what: 'die'; readonly index: number }
  | { readonly what: 'slow'; readonly index: number; readonly ms: number };

export const BENCH_ACCOUNT = { username: 'admin', password: 'bench-password' } as const;
