// `bmp dhcp`: DHCP and TFTP in a process of their own, for an operator that has no rights over the network.
import { mkdir } from 'node:fs/promises';
import { type DhcpService, localDhcp } from '../../boot/dhcp/service.ts';
import { offerDhcp } from '../../boot/dhcp/socket.ts';
import type { Log } from '../../observe/log.ts';
import { createLogger } from '../../observe/logger.ts';
import { aborted, type Command, text, UsageError, untilInterrupted, type Values } from '../command.ts';

/** Where the operator keeps hosts and leases, unless told otherwise. */
const STATE = '/var/lib/bmp/dhcp';
/** iPXE for each firmware, from Debian's package of that name. */
const TFTP = '/usr/lib/ipxe';

/** What `bmp run` and `bmp dhcp` have in common. */
export const DHCP_OPTIONS = {
  'dhcp-interface': { type: 'string' },
  'dhcp-dir': { type: 'string' },
  tftp: { type: 'string' },
} as const satisfies Command['options'];

export const DHCP_HELP = `  --dhcp-interface LIST  answer DHCP there by dnsmasq: names of network interfaces, with commas
  --dhcp-dir DIR         its hosts and leases (default ${STATE})
  --tftp DIR             iPXE for each firmware, served by TFTP (default ${TFTP})`;

/** dnsmasq as a child of this process; undefined where no interface is named. */
export async function dhcpOf(values: Values, log: Log): Promise<DhcpService | undefined> {
  const interfaces = text(values, 'dhcp-interface')?.split(',');
  if (interfaces === undefined) return undefined;
  const wrong = interfaces.find((name) => !/^[\w.-]{1,15}$/.test(name));
  if (wrong !== undefined) throw new UsageError(`--dhcp-interface takes names of interfaces, not "${wrong}"`);
  const dir = text(values, 'dhcp-dir') ?? STATE;
  // dnsmasq gives up root for a user of its own, who must be able to read.
  await mkdir(dir, { recursive: true, mode: 0o755 });
  return localDhcp({ dir, interfaces, tftpRoot: text(values, 'tftp') ?? TFTP, log });
}

const help = `Usage: bmp dhcp --dhcp-interface LIST --socket PATH [options]

Answers DHCP and serves iPXE by TFTP, for what an operator says over a Unix socket: which networks, and which machines boot
now. Nobody is answered while no operator holds the line. Needs the rights of dnsmasq (NET_ADMIN, NET_RAW,
NET_BIND_SERVICE); the operator, which holds the credentials, then needs none.

${DHCP_HELP}
  --socket PATH          where the operator asks ("bmp run --dhcp-socket PATH"); whoever may write there may ask

Example: bmp dhcp --dhcp-interface eth1 --socket /run/bmp/dhcp.sock`;

export const dhcp: Command = {
  name: 'dhcp',
  summary: 'answer DHCP for an operator, in a process of its own',
  help,
  options: { ...DHCP_OPTIONS, socket: { type: 'string' } },
  async run(values) {
    const socket = text(values, 'socket');
    if (socket === undefined) throw new UsageError('--socket says where the operator asks');
    const log = createLogger();
    const service = await dhcpOf(values, log);
    if (!service) throw new UsageError('--dhcp-interface says where to answer');
    const interrupted = untilInterrupted();
    const offered = await offerDhcp(service, socket, log);
    try {
      log.info({ socket }, 'waiting for an operator');
      await aborted(interrupted.signal);
      return 0;
    } finally {
      await offered.close();
      await service.close();
    }
  },
};
