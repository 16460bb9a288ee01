// test-deadline: 300
// A few crashes with every run of the tests; crash-50.test.ts has many.
import { test } from 'uvu';
import { crashes } from './scenario.ts';

test('killed 3 times under 48 writers and 3 watchers', () => crashes(3));

test.run();
