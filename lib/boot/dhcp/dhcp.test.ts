// dnsmasq itself, asked by a DHCP relay on the loopback interface: who gets which address, and what to boot.
import { createSocket } from 'node:dgram';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log } from '../../observe/log.ts';
import { freeUdpPort } from '../../testing/free-port.ts';
import { peerTest } from '../../testing/peers.ts';
import { type DhcpSettings, dnsmasqConfig, hostLine } from './config.ts';
import { type DhcpServer, startDhcpServer } from './server.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const never = new AbortController().signal;
const dnsmasq = peerTest('dnsmasq', 'dnsmasq-base');

const RELAY = '127.77.0.1';
const settings = (server: number): DhcpSettings => ({
  interfaces: ['lo'],
  networks: [{ subnet: '127.77.0.0/24', gateway: '127.77.0.254', dns: ['192.0.2.53'], ntp: ['192.0.2.123'] }],
  bootUrl: 'http://192.0.2.1:8080',
  ports: { server, client: server + 1 },
});

interface Answer {
  readonly type: number;
  readonly address: string;
  readonly bootFile: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

const COOKIE = Buffer.from([0x63, 0x82, 0x53, 0x63]);
const DISCOVER = 1;

/** RFC 2131 §2, as a relay passes it on; options by number. */
function discover(macAddress: string, id: number, options: readonly (readonly [number, Buffer])[]): Buffer {
  const head = Buffer.alloc(236);
  head.set([1, 1, 6, 1]);
  head.writeUInt32BE(id, 4);
  head.set(RELAY.split('.').map(Number), 24);
  head.set(Buffer.from(macAddress.replaceAll(':', ''), 'hex'), 28);
  const coded = [[53, Buffer.from([DISCOVER])] as const, ...options].map(([code, value]) =>
    Buffer.concat([Buffer.from([code, value.length]), value]),
  );
  return Buffer.concat([head, COOKIE, ...coded, Buffer.from([255])]);
}

function parse(packet: Buffer): Answer {
  const options = new Map<number, Buffer>();
  for (let at = 240; at < packet.length && packet[at] !== 255; ) {
    const [code, length] = [packet[at]!, packet[at + 1]!];
    if (code === 0) {
      at++;
      continue;
    }
    options.set(code, packet.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  const text = (bytes: Buffer) => bytes.toString('latin1').replace(/\0.*$/s, '');
  return {
    type: options.get(53)?.[0] ?? 0,
    address: [...packet.subarray(16, 20)].join('.'),
    bootFile: text(options.get(67) ?? packet.subarray(108, 236)),
    options,
  };
}

/** Asks for an offer; undefined when another machine, asked for afterwards, is answered and this one is not. */
async function offer(
  server: number,
  macAddress: string,
  options: readonly (readonly [number, Buffer])[] = [],
): Promise<Answer | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    await new Promise<void>((resolve) => socket.bind(server, RELAY, resolve));
    const answers = new Map<number, Answer>();
    const known = new Promise<void>((resolve) => {
      socket.on('message', (packet) => {
        answers.set(packet.readUInt32BE(4), parse(packet));
        if (packet.readUInt32BE(4) === 2) resolve();
      });
    });
    socket.send(discover(macAddress, 1, options), server, '127.0.0.1');
    socket.send(discover(KNOWN, 2, []), server, '127.0.0.1');
    await known;
    return answers.get(1);
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

const KNOWN = '52:54:00:00:00:ff';
const MAC = '52:54:00:00:00:01';

/** Readable for everybody: dnsmasq does not stay root. */
async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bmp-dhcp-'));
  await chmod(dir, 0o755);
  return dir;
}

async function serving(
  run: (server: DhcpServer, port: number, dir: string) => Promise<void>,
  change: (settings: DhcpSettings) => DhcpSettings = (same) => same,
): Promise<void> {
  const dir = await folder();
  const port = await freeUdpPort();
  const server = await startDhcpServer({ ...change(settings(port)), dir, log });
  try {
    await server.addHost({ macAddress: KNOWN, address: '127.77.0.99' }, never);
    await run(server, port, dir);
  } finally {
    await server.close();
    await rm(dir, { recursive: true });
  }
}

dnsmasq('a machine is served from when it was added until it was removed, and nobody else is', () =>
  serving(async (server, port) => {
    assert.is(await offer(port, MAC), undefined);
    await server.addHost({ macAddress: MAC, address: '127.77.0.11', hostname: 'web-1' }, never);
    const offered = (await offer(port, MAC))!;
    assert.is(offered.address, '127.77.0.11');
    assert.is(offered.options.get(12)?.toString(), 'web-1');
    assert.equal([...offered.options.get(3)!], [127, 77, 0, 254]);
    assert.equal([...offered.options.get(6)!], [192, 0, 2, 53]);
    assert.equal([...offered.options.get(42)!], [192, 0, 2, 123]);
    await server.addHost({ macAddress: MAC, address: '127.77.0.12' }, never);
    assert.is((await offer(port, MAC))?.address, '127.77.0.12');
    assert.equal([...(await server.hosts())].sort(), [MAC, KNOWN]);
    await server.removeHost(MAC, never);
    await server.removeHost(MAC, never);
    assert.is(await offer(port, MAC), undefined);
    assert.equal(await server.hosts(), [KNOWN]);
  }),
);

dnsmasq('a stranger gets an address only where there are some for strangers', () =>
  serving(
    async (server, port) => {
      assert.match((await offer(port, MAC))!.address, /^127\.77\.0\.2\d\d$/);
      await server.addHost({ macAddress: MAC, address: '127.77.0.11' }, never);
      assert.is((await offer(port, MAC))?.address, '127.77.0.11');
    },
    (plain) => ({
      ...plain,
      networks: [{ ...plain.networks[0]!, range: { first: '127.77.0.200', last: '127.77.0.220' }, strangers: true }],
    }),
  ),
);

dnsmasq('a host without an address of its own gets one of the range, and only while it is a host', () =>
  serving(
    async (server, port) => {
      assert.is(await offer(port, MAC), undefined);
      await server.addHost({ macAddress: MAC }, never);
      assert.match((await offer(port, MAC))!.address, /^127\.77\.0\.2\d\d$/);
      await server.removeHost(MAC, never);
      assert.is(await offer(port, MAC), undefined);
    },
    (plain) => ({
      ...plain,
      networks: [{ ...plain.networks[0]!, range: { first: '127.77.0.200', last: '127.77.0.220' } }],
    }),
  ),
);

dnsmasq('each firmware gets the iPXE that it can run, and iPXE the machine’s own script', () =>
  serving(async (server, port) => {
    await server.addHost({ macAddress: MAC, address: '127.77.0.11' }, never);
    const asks = async (architecture: number, vendor: string, userClass?: string) => {
      const options: (readonly [number, Buffer])[] = [
        [93, Buffer.from([0, architecture])],
        [60, Buffer.from(vendor)],
      ];
      if (userClass) options.push([77, Buffer.from(userClass)]);
      return (await offer(port, MAC, options))!;
    };
    const pxe = (architecture: number) => `PXEClient:Arch:000${architecture}`;
    assert.is((await asks(0, pxe(0))).bootFile, 'undionly.kpxe');
    assert.is((await asks(7, pxe(7))).bootFile, 'snponly.efi');
    assert.is((await asks(9, pxe(9))).bootFile, 'snponly.efi');
    assert.is((await asks(11, pxe(11))).bootFile, 'snponly-arm64.efi');
    const http = await asks(16, 'HTTPClient:Arch:00016');
    assert.is(http.bootFile, 'http://192.0.2.1:8080/liveos/snponly.efi');
    assert.is(http.options.get(60)?.toString(), 'HTTPClient');
    for (const architecture of [0, 7, 11]) {
      const ipxe = await asks(architecture, pxe(architecture), 'iPXE');
      assert.is(ipxe.bootFile, `http://192.0.2.1:8080/boot/v1/${'$'}{netX/mac:hexhyp}`);
      assert.ok(ipxe.options.has(175));
    }
  }),
);

dnsmasq('hosts outlive the server, and a dnsmasq that cannot start says why', async () => {
  const dir = await folder();
  const port = await freeUdpPort();
  const options = { ...settings(port), dir, log };
  try {
    const before = await startDhcpServer(options);
    await before.addHost({ macAddress: KNOWN, address: '127.77.0.99' }, never);
    await before.close();
    const after = await startDhcpServer(options);
    assert.is((await offer(port, KNOWN))?.address, '127.77.0.99');
    await after.close();
    const missing = await startDhcpServer({
      ...options,
      tftpRoot: '/nonexistent/folder',
      interfaces: ['nosuch0'],
    }).then(
      (server) => server.close(),
      (error: unknown) => error,
    );
    assert.is(missing, undefined, 'an interface may come later');
    const broken = await startDhcpServer({ ...options, command: ['/nonexistent/dnsmasq'] }).catch(
      (error: unknown) => error,
    );
    assert.match((broken as Error).message, /ENOENT/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('nothing that would become another option gets into a file', () => {
  const config = (change: Partial<DhcpSettings>) => () => dnsmasqConfig({ ...settings(67), ...change }, '/h', '/l');
  const isRangeError = (error: Error) => error instanceof RangeError;
  assert.throws(config({ interfaces: ['eth0\nconf-script=/bin/sh'] }), isRangeError);
  assert.throws(config({ bootUrl: 'http://x\ndhcp-script=/bin/sh' }), isRangeError);
  assert.throws(config({ networks: [{ subnet: '192.0.2.0/33' }] }), isRangeError);
  assert.throws(config({ networks: [{ subnet: 'fd00::/64' }] }), isRangeError);
  for (const [first, last] of [
    ['192.0.2.20', '192.0.2.10'],
    ['192.0.2.10', '192.0.3.10'],
    ['192.0.2.1', 'fd00::1'],
  ] as const)
    assert.throws(config({ networks: [{ subnet: '192.0.2.0/24', range: { first, last } }] }), isRangeError);
  assert.throws(config({ tftpRoot: '/a b' }), isRangeError);
  assert.throws(config({ announcedPrefix: 'fd00::,ra-names' }), isRangeError);
  const host = { macAddress: MAC, address: '192.0.2.1' };
  assert.is(hostLine(host), `${MAC},192.0.2.1\n`);
  assert.throws(() => hostLine({ ...host, hostname: 'a,ignore' }), isRangeError);
  assert.throws(() => hostLine({ ...host, macAddress: '../../x' }), isRangeError);
  assert.throws(() => hostLine({ ...host, address: 'host' }), isRangeError);
});

test.run();
