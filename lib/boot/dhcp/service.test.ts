// DHCP as the operator uses it: dnsmasq itself, in this process and behind a socket.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log } from '../../observe/log.ts';
import { eventually } from '../../testing/eventually.ts';
import { freeUdpPort } from '../../testing/free-port.ts';
import { peerTest } from '../../testing/peers.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { type DhcpService, localDhcp, NotServing } from './service.ts';
import { dhcpAt, offerDhcp } from './socket.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const dnsmasq = peerTest('dnsmasq', 'dnsmasq-base');
const soon = () => AbortSignal.timeout(60_000);

const MAC = '52:54:00:00:00:01';
const PLAN = {
  networks: [{ subnet: '127.77.0.0/24', range: { first: '127.77.0.200', last: '127.77.0.220' } }],
  bootUrl: 'http://192.0.2.1:6281',
};

async function here(dir: string): Promise<DhcpService> {
  await chmod(dir, 0o755);
  const server = await freeUdpPort();
  return localDhcp({ dir, log, interfaces: ['lo'], ports: { server, client: server + 1 } });
}

const isNotServing = async (asked: Promise<unknown>) => {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, NotServing);
};

dnsmasq('hosts stay when other networks are served, and nobody is served before somebody says so', async () => {
  await using dir = await tempDir();
  const dhcp = await here(dir.path);
  await isNotServing(dhcp.addHost({ macAddress: MAC }, soon()));
  await dhcp.serve(PLAN, soon());
  await dhcp.addHost({ macAddress: MAC }, soon());
  await dhcp.serve({ ...PLAN, bootUrl: 'http://192.0.2.2:6281' }, soon());
  assert.equal(await dhcp.hosts(soon()), [MAC]);
  await dhcp.serve({ ...PLAN, networks: [] }, soon());
  await isNotServing(dhcp.hosts(soon()));
  await dhcp.close();
});

dnsmasq('behind a socket it serves whoever holds the line, and nobody after that', async () => {
  await using dir = await tempDir();
  const dhcp = await here(dir.path);
  const path = join(dir.path, 'socket');
  const offered = await offerDhcp(dhcp, path, log);
  try {
    const first = dhcpAt(path);
    await isNotServing(first.hosts(soon()));
    await first.serve(PLAN, soon());
    await first.addHost({ macAddress: MAC }, soon());
    assert.equal(await first.hosts(soon()), [MAC]);
    await first.addHost({ macAddress: MAC, address: 'nowhere' }, soon()).then(
      () => assert.unreachable(),
      (error: unknown) => assert.instance(error, RangeError),
    );
    // The next operator takes over while the last one still holds its line.
    const second = dhcpAt(path);
    await second.serve(PLAN, soon());
    assert.equal(await second.hosts(soon()), [MAC]);
    await second.removeHost(MAC, soon());
    await first.close();
    assert.equal(await second.hosts(soon()), []);
    await second.close();
    await eventually(() =>
      dhcpAt(path)
        .hosts(soon())
        .then(
          () => false,
          (error: unknown) => error instanceof NotServing,
        ),
    );
  } finally {
    await offered.close();
    await dhcp.close();
  }
  await isNotServing(dhcpAt(path).serve(PLAN, soon()));
});

test.run();
