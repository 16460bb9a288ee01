// What the product tells of itself beside the framework: requests to BMCs, and operations on machines.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../api/generated.ts';
import { DEVICES } from '../api/resources.ts';
import type { Driver, PowerState } from '../bmc/driver.ts';
import { BmcError } from '../bmc/errors.ts';
import { createStore } from '../kube/store.ts';
import { createBmcMetrics } from './bmc.ts';
import { createConfigurationMetrics } from './configuration.ts';
import { createMetrics, createMetricsRegistry } from './metrics.ts';
import { createOperationMetrics } from './operations.ts';

const target = { address: 'ipmi://192.0.2.10', credentials: { username: 'u', password: 'secret' } };

/** A driver with state of its own, as real ones are. */
class Scripted {
  #answers: (PowerState | Error)[];
  constructor(answers: (PowerState | Error)[]) {
    this.#answers = answers;
  }
  async power(): Promise<PowerState> {
    const answer = this.#answers.shift()!;
    if (answer instanceof Error) throw answer;
    return answer;
  }
  capabilities = () => ({ sensors: true });
}

test('per-host labels on counters: requests to BMCs are counted by kind and result, and names no machine', async () => {
  const registry = createMetricsRegistry();
  const metrics = createBmcMetrics(registry, { monotonic: () => 0 });
  const aborted = new DOMException('stop', 'AbortError');
  const timeout = new BmcError('timeout', target.address, 'silent');
  const answers = ['On', 'Off', timeout, aborted] as const;
  const driver = metrics.measuring(() => new Scripted([...answers]) as unknown as Driver)(target);
  const { signal } = new AbortController();
  assert.is(await driver.power(signal), 'On');
  assert.is(await driver.power(signal), 'Off');
  for (const expected of [timeout, aborted]) {
    const error: unknown = await driver.power(signal).catch((reason: unknown) => reason);
    assert.is(error, expected);
  }
  assert.ok(driver.capabilities().sensors);
  const text = await registry.metrics();
  for (const [result, count] of Object.entries({ ok: 2, timeout: 1, aborted: 1 })) {
    const line = `bmc_requests_total{protocol="ipmi",request="power",result="${result}"} ${count}`;
    assert.ok(text.includes(line), line);
  }
  assert.match(text, /^bmc_request_duration_seconds_count\{protocol="ipmi",request="power"\} 4$/m);
  for (const secret of ['192.0.2.10', 'secret']) assert.not.ok(text.includes(secret), secret);
});

/** What they can say is told by the code: kinds, names of controllers and resources, results. None can be a machine's. */
const LABELS = ['code', 'controller', 'how', 'kind', 'method', 'name', 'protocol', 'request', 'result'];

test('per-host labels on counters: no metric of the product has a label that says which machine', () => {
  const labels = createMetrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => !/^(nodejs|process)_/.test(name))
    .flatMap((metric) => (metric as unknown as { labelNames: readonly string[] }).labelNames);
  assert.equal([...new Set(labels)].toSorted(), LABELS);
});

type Entry = NonNullable<NonNullable<Device['status']>['history']>[number];

const entry = (id: string, result: Entry['result'], seconds: number): Entry => ({
  id,
  kind: 'Create',
  result,
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString(),
});

test('an operation is counted once, when its Device tells that it ended, and by the leader alone', async () => {
  const registry = createMetricsRegistry();
  const { store, writer } = createStore(DEVICES);
  const is = { leading: true };
  createOperationMetrics(registry).follow(store, () => is.leading);
  let version = 0;
  const tell = (...history: Entry[]) => {
    const metadata = { name: 'a', uid: 'a', resourceVersion: String(++version) };
    writer.upsert({
      apiVersion: 'bmp.dev/v1alpha1',
      kind: 'Device',
      metadata,
      status: { history },
    } as unknown as Device);
  };
  const first = entry('1', 'Succeeded', 40);
  const second = entry('2', 'Aborted', 5);
  tell(first);
  tell(first, second);
  tell(second);
  is.leading = false;
  tell(second, entry('3', 'Succeeded', 1));
  is.leading = true;
  tell(second, entry('3', 'Succeeded', 1), entry('4', 'Succeeded', 20), entry('5', 'Succeeded', 30));
  const text = await registry.metrics();
  assert.match(text, /^bmp_operations_total\{kind="Create",result="Aborted"\} 1$/m);
  assert.match(text, /^bmp_operations_total\{kind="Create",result="Succeeded"\} 2$/m);
  assert.match(text, /^bmp_operation_duration_seconds_sum\{kind="Create",result="Succeeded"\} 50$/m);
});

test('a configuration that is refused is seen, and since when the one in force is', async () => {
  const registry = createMetricsRegistry();
  const metrics = createConfigurationMetrics(registry);
  metrics.looked('taken', 5000);
  metrics.looked('refused', 9000);
  const lines = (await registry.metrics()).split('\n');
  for (const line of [
    'bmp_scheduler_config_reloads_total{result="taken"} 1',
    'bmp_scheduler_config_reloads_total{result="refused"} 1',
    'bmp_scheduler_config_last_reload_successful 0',
    'bmp_scheduler_config_last_reload_success_timestamp_seconds 5',
  ])
    assert.ok(lines.includes(line), line);
});

test.run();
