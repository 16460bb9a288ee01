import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BmcTarget, Driver } from './driver.ts';
import type { BmcError } from './errors.ts';
import { openDriver } from './open.ts';
import { BmcPool } from './pool.ts';

/** Drivers that only know when they were closed. */
function recorder() {
  const opened: BmcTarget[] = [];
  const closed: string[] = [];
  const open = (target: BmcTarget): Driver => {
    opened.push(target);
    const driver = openDriver(target);
    driver.close = () => {
      closed.push(target.address);
      return Promise.resolve();
    };
    return driver;
  };
  return { opened, closed, open };
}

const target = (address: string, password = 'p'): BmcTarget => ({
  address,
  credentials: { username: 'u', password },
});

test('a device has one driver until its address or credentials change', () => {
  const { opened, closed, open } = recorder();
  const pool = new BmcPool(open);
  const first = pool.driver('a', target('ipmi://10.0.0.1'));
  assert.is(pool.driver('a', target('ipmi://10.0.0.1')), first);
  assert.is.not(pool.driver('b', target('ipmi://10.0.0.1')), first);
  const second = pool.driver('a', target('ipmi://10.0.0.1', 'other'));
  assert.is.not(second, first);
  assert.is.not(pool.driver('a', target('ipmi://10.0.0.2', 'other')), second);
  assert.is(opened.length, 4);
  assert.equal(closed, ['ipmi://10.0.0.1', 'ipmi://10.0.0.1']);
  assert.is(pool.size, 2);
});

test('devices that are gone, and the end of the pool, close drivers', async () => {
  const { closed, open } = recorder();
  const pool = new BmcPool(open);
  pool.driver('a', target('ipmi://10.0.0.1'));
  pool.driver('b', target('ipmi://10.0.0.2'));
  await pool.forget('a');
  await pool.forget('never seen');
  assert.equal(closed, ['ipmi://10.0.0.1']);
  await pool.close();
  assert.equal(closed, ['ipmi://10.0.0.1', 'ipmi://10.0.0.2']);
  assert.is(pool.size, 0);
});

test('an address that cannot be used holds nothing', () => {
  const { open } = recorder();
  const pool = new BmcPool(open);
  pool.driver('a', target('ipmi://10.0.0.1'));
  assert.throws(
    () => pool.driver('a', target('telnet://10.0.0.1')),
    (error: BmcError) => error.code === 'unsupported' && error.message.includes('ipmi://'),
  );
  assert.is(pool.size, 0);
});

test.run();
