// Whoever is refused for what is there, or is not, finds it so: a refusal waits for the write that it rests on, however slow
// the disk is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../conformance/client.ts';
import { asText, at } from '../json.ts';
import { startApiServer } from '../server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string, text = '') => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text } });
const LONG = 'x'.repeat(900_000);

/** Runs with a server, and a way to keep its disk busy: what is written meanwhile waits. */
async function withServer(run: (client: Client, busy: (name: string) => Promise<unknown>) => Promise<void>) {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-refusals-'));
  const server = await startApiServer({ dir });
  const client = new Client(server.kubeconfigPath);
  const busy = (name: string) =>
    Promise.all(Array.from({ length: 8 }, (_, index) => client.post(MAPS, map(`${name}-${index}`, LONG))));
  try {
    await run(client, busy);
  } finally {
    client.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
}

test('AlreadyExists: the object can be read', () =>
  withServer(async (client, busy) => {
    for (let round = 0; round < 8; round++) {
      const name = `a${round}`;
      const load = round % 4 === 0 ? busy(`busy${round}`) : undefined;
      const answers = await Promise.all(
        [1, 2, 3].map(async () => {
          const { code } = await client.post(MAPS, map(name));
          return code === 409 ? (await client.get(`${MAPS}/${name}`)).code : code;
        }),
      );
      assert.equal(
        answers.sort((a, b) => a - b),
        [200, 200, 201],
        `round ${round}`,
      );
      await load;
    }
  }));

test('NotFound: the deleted object cannot be read', () =>
  withServer(async (client, busy) => {
    for (let round = 0; round < 8; round++) {
      const path = `${MAPS}/b${round}`;
      await client.post(MAPS, map(`b${round}`));
      const load = round % 4 === 0 ? busy(`busy${round}`) : undefined;
      const answers = await Promise.all(
        [1, 2].map(async () => {
          const { code } = await client.delete(path);
          return code === 404 ? (await client.get(path)).code : code;
        }),
      );
      assert.equal(
        answers.sort((a, b) => a - b),
        [200, 404],
        `round ${round}`,
      );
      await load;
    }
  }));

test('Conflict: a newer version can be read', () =>
  withServer(async (client, busy) => {
    const version = (body: Parameters<typeof at>[0]) => asText(at(body, ['metadata', 'resourceVersion']));
    let { body } = await client.post(MAPS, map('c'));
    for (let round = 0; round < 8; round++) {
      const before = version(body);
      const load = round % 4 === 0 ? busy(`busy${round}`) : undefined;
      const change = { metadata: { resourceVersion: before }, data: { round: String(round) } };
      const headers = { 'Content-Type': 'application/merge-patch+json' };
      const seen = await Promise.all(
        [1, 2].map(async (who) => {
          const document = { ...change, data: { round: `${round} ${who}` } };
          const { code } = await client.call(`${MAPS}/c`, { method: 'PATCH', headers, body: document });
          const read = await client.get(`${MAPS}/c`);
          if (code === 409) assert.is.not(version(read.body), before, `round ${round}`);
          return read;
        }),
      );
      body = seen[0]!.body;
      await load;
    }
  }));

test.run();
