// test-slow
// test-deadline: 900
// The long run of crash.test.ts; CRASHES says how long.
import { test } from 'uvu';
import { crashes } from './scenario.ts';

const rounds = Number(process.env['CRASHES'] ?? 50);

test(`killed ${rounds} times under 48 writers and 3 watchers`, () => crashes(rounds));

test.run();
