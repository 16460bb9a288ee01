// Tests that bring up a lab: skipped, or failed in CI, where a program is missing, or the rights for a network.
import { test } from 'uvu';
import { withPeers } from '../testing/peers.ts';
import { LAB_PROGRAMS } from './lab.ts';

const isRoot = process.getuid?.() === 0;

/** Defines tests that need a lab, and further programs: pairs of program and Debian package. */
export function labTest(more: readonly (readonly [string, string])[] = []): ReturnType<typeof withPeers> {
  if (!isRoot) {
    if (process.env.CI === 'true') throw new Error('this is not root, and a lab makes a network namespace');
    console.log('skipped: this is not root, and a lab makes a network namespace');
    return (name, run) => test.skip(name, run);
  }
  return withPeers([...LAB_PROGRAMS, ...more]);
}
