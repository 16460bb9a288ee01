// The NoCloud seed of an installation: the files by which cloud-init makes an image this instance, and by which the
// installed system knows how to report in. Pure: the same input gives the same files.
//
// Source: cloud-init's documentation, "NoCloud", "User data formats" and "Instance metadata" (sensitive keys).
import { createHash } from 'node:crypto';
import { dump, load } from 'js-yaml';
import type { SeedFiles, SeedReport } from '../provision/protocol.ts';
import { reportScript } from './report-script.ts';

export interface SeedInput {
  readonly instanceUID: string;
  readonly hostname: string;
  readonly sshAuthorizedKeys: readonly string[];
  /** In any of cloud-init's formats; where it is a cloud-config, its keys win over ours. */
  readonly userData?: string;
  /** Network configuration, version 2 (netplan). Without it the image's own applies: DHCP on its first interface. */
  readonly network?: Readonly<Record<string, unknown>>;
  readonly defaultUser: string;
  /** crypt(5) hash for the default user; without it the user has no password. */
  readonly passwordHash?: string;
  readonly report: SeedReport;
}

export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/** @throws SeedError when the user data is of no format that cloud-init knows, or the network is not version 2. */
export function seedFiles(input: SeedInput): SeedFiles {
  return {
    'meta-data': dump({
      'instance-id': input.instanceUID,
      'local-hostname': input.hostname,
      // cloud-init publishes its metadata to every user of the system, but for what stands under this name.
      'security-credentials': { bmp: { ...input.report } },
    }),
    'user-data': userData(input),
    'vendor-data': reportScript(input.report),
    ...(input.network && { 'network-config': networkConfig(input.network) }),
  };
}

/** What a seed's meta-data says of reporting in; undefined when it says nothing, or is not a seed of ours. */
export function readSeedReport(files: SeedFiles): SeedReport | undefined {
  const text = files['meta-data'];
  if (text === undefined) return undefined;
  const metaData = load(text) as { 'security-credentials'?: { bmp?: Partial<SeedReport> } };
  const { url, fingerprint, token, instanceUID } = metaData?.['security-credentials']?.bmp ?? {};
  if (!url || !fingerprint || !token || !instanceUID) return undefined;
  return { url, fingerprint, token, instanceUID };
}

function cloudConfig(input: SeedInput): string {
  const root = input.defaultUser === 'root';
  const config = {
    preserve_hostname: false,
    hostname: input.hostname,
    // Only key logins unless a password is asked for; then on the console, as the image's own sshd settings say.
    users: [
      {
        name: input.defaultUser,
        ...(root ? {} : { sudo: 'ALL=(ALL) NOPASSWD:ALL', shell: '/bin/bash' }),
        lock_passwd: input.passwordHash === undefined,
        // Also for a user that the image brings along, which `passwd` is not.
        ...(input.passwordHash === undefined ? {} : { hashed_passwd: input.passwordHash }),
        // An empty list is none to cloud-init's schema.
        ...(input.sshAuthorizedKeys.length > 0 && { ssh_authorized_keys: [...input.sshAuthorizedKeys] }),
      },
    ],
    disable_root: !root,
  };
  return `#cloud-config\n${dump(config, { lineWidth: -1 })}`;
}

function userData(input: SeedInput): string {
  const ours = cloudConfig(input);
  if (input.userData === undefined) return ours;
  return multipart([textPart('text/cloud-config', ours), userPart(input.userData)]);
}

// How user data begins, and its MIME type.
const FORMATS: readonly (readonly [prefix: string, type: string])[] = [
  ['#cloud-config-archive', 'text/cloud-config-archive'],
  ['#cloud-config', 'text/cloud-config'],
  ['#cloud-boothook', 'text/cloud-boothook'],
  ['#include-once', 'text/x-include-once-url'],
  ['#include', 'text/x-include-url'],
  ['#part-handler', 'text/part-handler'],
  ['## template: jinja', 'text/jinja2'],
  ['#!', 'text/x-shellscript'],
];

function userPart(text: string): string {
  if (/^(content-type|mime-version):/i.test(text)) return text.trimEnd();
  const format = FORMATS.find(([prefix]) => text.startsWith(prefix));
  if (format) return textPart(format[1], text);
  throw new SeedError(`user data must begin with one of ${FORMATS.map(([prefix]) => prefix).join(', ')}, or be MIME`);
}

function textPart(type: string, text: string): string {
  const lines =
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return `Content-Type: ${type}; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n${lines.join('\n')}`;
}

/** RFC 2046, §5.1. The boundary is a digest of the parts, so that none of them contains it. */
function multipart(parts: readonly string[]): string {
  const boundary = `=_${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40)}`;
  const body = parts.map((part) => `--${boundary}\n${part}\n`).join('');
  return `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n${body}--${boundary}--\n`;
}

function networkConfig(network: Readonly<Record<string, unknown>>): string {
  const inner = 'network' in network ? (network.network as Readonly<Record<string, unknown>>) : network;
  if (inner.version !== 2) throw new SeedError('the network configuration must say version: 2');
  return dump(inner, { lineWidth: -1 });
}
