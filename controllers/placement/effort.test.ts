import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../../lib/kube/errors.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { createEffort } from './effort.ts';
import { aPlacement } from './model/fixtures.ts';

test('an error of any kind brings another round, and holds up nobody', async () => {
  for (const [status, reason] of [
    [403, 'Forbidden'],
    [422, 'Invalid'],
    [503, 'ServiceUnavailable'],
    [0, 'Unreachable'],
  ] as const) {
    const effort = createEffort(createLogRecorder(), new AbortController().signal);
    const placements = [aPlacement('a'), aPlacement('b'), aPlacement('c')];
    const served = await effort.each(
      placements,
      (placement) => placement,
      async ({ metadata }) => {
        if (metadata.name === 'b') throw new ApiError(status, reason, reason);
        return metadata.name;
      },
    );
    assert.equal(served.map(([, name]) => name).sort(), ['a', 'c']);
    assert.throws(() => effort.result(), reason);
  }
});

test.run();
