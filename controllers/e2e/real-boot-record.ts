// Records what goes over the wires of a lab, for the dissectors of tshark, which others wrote.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Lab } from '../../lib/lab/lab.ts';

export const RECORD_PROGRAMS = [
  ['dumpcap', 'wireshark-common'],
  ['tshark', 'tshark'],
] as const;

export interface Verdict {
  /** How many packets each dissector had. */
  readonly packets: ReadonlyMap<string, number>;
  /** A line for each packet that a dissector found malformed, or in error otherwise. */
  readonly complaints: readonly string[];
}

export interface Recording extends AsyncDisposable {
  /** Ends it, and gives what tshark says of it. */
  stop(): Promise<Verdict>;
}

/** The test's own logins: OpenSSH offers key exchanges that tshark does not know. */
const NOT_OURS = 'not tcp port 22';

/** @param httpPorts of the lab's address, which are none of HTTP's own */
export async function record(lab: Lab, dir: string, httpPorts: readonly number[]): Promise<Recording> {
  const bmcPorts = lab.machines.map(({ bmcAddress }) => Number(new URL(bmcAddress).port));
  const inside = join(dir, 'network.pcapng');
  const outside = join(dir, 'bmc.pcapng');
  const filter = bmcPorts.map((port) => `udp port ${port}`).join(' or ');
  const captures = [
    await started(...lab.network.inside('dumpcap', ['-q', '-i', lab.network.bridge, '-f', NOT_OURS, '-w', inside])),
    await started('setpriv', ['--pdeathsig', 'KILL', 'dumpcap', '-q', '-i', 'lo', '-f', filter, '-w', outside]),
  ];
  const end = async () => {
    for (const capture of captures.splice(0)) {
      const exited = once(capture, 'exit');
      capture.kill('SIGINT');
      await exited;
    }
  };
  return {
    async stop() {
      await end();
      const network = await dissected(
        inside,
        httpPorts.map((port) => `tcp.port==${port},http`),
      );
      const bmcs = await dissected(
        outside,
        bmcPorts.map((port) => `udp.port==${port},rmcp`),
      );
      return {
        packets: sum(network.packets, bmcs.packets),
        complaints: [...network.complaints, ...bmcs.complaints],
      };
    },
    async [Symbol.asyncDispose]() {
      await end();
      await Promise.all([rm(inside), rm(outside)]);
    },
  };
}

function sum(...counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const [name, count] of counts.flatMap((each) => [...each])) total.set(name, (total.get(name) ?? 0) + count);
  return total;
}

/** It says on which file it writes when it has begun. */
async function started(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface({ input: child.stderr });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`dumpcap ended with ${code}`);
  });
  const begun = new Promise<void>((resolve) => lines.on('line', (line) => line.startsWith('File: ') && resolve()));
  await Promise.race([begun, ended]);
  // From here on it ends when it is told to.
  ended.catch(() => child.exitCode);
  return child;
}

const run = promisify(execFile);

/** What tshark says of a segment that TCP sent again and cut elsewhere, as it may (RFC 9293, §3.8.1). */
const RETRANSMITTED = 'New fragment overlaps old data (retransmission?)';
/** _ws.expert.severity, as `tshark -G values` has it: malformed packets are of it too. */
const ERROR = '8388608';
const FIELDS = ['frame.number', 'frame.protocols', '_ws.expert.severity', '_ws.expert.message'];

async function dissected(file: string, decodeAs: readonly string[]): Promise<Verdict> {
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const rules = decodeAs.flatMap((rule) => ['-d', rule]);
  const form = ['-T', 'fields', '-E', 'aggregator=|', ...fields];
  const { stdout } = await run('tshark', ['-n', '-r', file, ...rules, ...form], { maxBuffer: 2 ** 30 });
  const packets = new Map<string, number>();
  const complaints: string[] = [];
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [, protocols = '', severities = '', messages = ''] = line.split('\t');
    for (const protocol of new Set(protocols.split(':'))) packets.set(protocol, (packets.get(protocol) ?? 0) + 1);
    const levels = severities.split('|');
    const errors = messages.split('|').filter((_, index) => levels[index] === ERROR);
    if (errors.some((error) => error !== RETRANSMITTED)) complaints.push(line);
  }
  return { packets, complaints };
}
