// test-deadline: 7200
// test-slow
// A machine with BIOS that boots for real. Needs root, for its network.
import { test } from 'uvu';
import { walkTest } from './real-boot-walk.ts';

walkTest('bios');

test.run();
