// Virtual media on the simulated service.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withSimulatedBmc } from '../../sim/bmc/lab.ts';

const within = () => AbortSignal.timeout(60_000);

test('an image is put in, replaced and taken out, each as often as one likes', async () => {
  await withSimulatedBmc(async ({ bmc, openRedfish }) => {
    const driver = openRedfish();
    await driver.ejectMedia(within());
    for (const image of ['http://images/a.iso', 'http://images/a.iso', 'http://images/b.iso']) {
      await driver.insertMedia(image, within());
      assert.is(bmc.media, image);
      assert.is(await driver.media(within()), image);
    }
    for (let i = 0; i < 2; i++) await driver.ejectMedia(within());
    assert.is(bmc.media, undefined);
    assert.is(await driver.media(within()), undefined);
    await driver.identify(within());
    assert.ok(driver.capabilities().virtualMedia);
  });
});

test.run();
