// test-slow
// test-deadline: 900
// The long run of crash.test.ts.
import { test } from 'uvu';
import { crashes } from './scenario.ts';

test('killed 50 times under 48 writers and 3 watchers', () => crashes(50));

test.run();
