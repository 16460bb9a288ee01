// The server's own certificate authority, kept in the directory, and its serving certificate; both renewed in good time.
//
// A renewed authority has the key and the name of the one before, so that what it issues is good for whoever trusts either.
// @peculiar/x509's container library wants it loaded first.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { writePrivate } from './private-file.ts';

const DAY = 86_400_000;
const CA_DAYS = 3650;
/** The authority is renewed when less than this is left: kubeconfigs that people copied are good for that long. */
const CA_RENEW_DAYS = 730;
/** How long a serving certificate is good for, in milliseconds. */
export const SERVING_LIFETIME = 365 * DAY;
/** It is renewed when this part of that is left: two months of a year. */
const RENEW_SHARE = 1 / 6;
const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

export interface ServingCertificate {
  /** PEM: the serving certificate, then the authority's. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** When it should be replaced; milliseconds since the epoch. */
  readonly renewAt: number;
}

interface Pair {
  readonly certificate: x509.X509Certificate;
  readonly key: string;
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

/** Both keys of a private one in PEM. */
async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const der = createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' });
  const publicKey = await webcrypto.subtle.importKey('spki', der, KEY, true, ['verify']);
  return { privateKey: await importPrivate(pem), publicKey };
}

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

async function importPrivate(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
}

function load(certificatePath: string, keyPath: string): Pair | undefined {
  if (!existsSync(certificatePath) || !existsSync(keyPath)) return undefined;
  return {
    certificate: new x509.X509Certificate(readFileSync(certificatePath, 'utf8')),
    key: readFileSync(keyPath, 'utf8'),
  };
}

/** @param key of the authority that is to be renewed, in PEM; without one, it is another */
async function makeAuthority(now: number, key?: string): Promise<Pair> {
  const keys = key === undefined ? await generateKeys() : await importKeys(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=bmp-apiserver-ca',
    keys,
    signingAlgorithm: SIGNING,
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + CA_DAYS * DAY),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: key ?? (await privatePem(keys)) };
}

async function makeServing(authority: Pair, hosts: readonly string[], now: number, lifetime: number): Promise<Pair> {
  const keys = await generateKeys();
  const names = hosts.map((host) => ({
    type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=kube-apiserver',
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: await importPrivate(authority.key),
    signingAlgorithm: SIGNING,
    notBefore: new Date(now - DAY),
    notAfter: new Date(Math.min(now + lifetime, authority.certificate.notAfter.getTime())),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  return { certificate, key: await privatePem(keys) };
}

/** Certificates in a directory: `ca.crt` and `ca.key`, `server.crt` and `server.key`; all readable by their owner alone. */
export class Authority {
  readonly #directory: string;
  #authority: Pair;
  readonly #hosts: readonly string[];
  readonly #lifetime: number;

  private constructor(directory: string, authority: Pair, hosts: readonly string[], lifetime: number) {
    this.#directory = directory;
    this.#lifetime = lifetime;
    this.#authority = authority;
    this.#hosts = hosts;
  }

  /**
   * Loads the authority, or makes one when there is none.
   * @param now milliseconds since the epoch
   * @param lifetime of serving certificates, in milliseconds
   */
  static async open(
    directory: string,
    hosts: readonly string[],
    now: number,
    lifetime = SERVING_LIFETIME,
  ): Promise<Authority> {
    const [certificatePath, keyPath] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
    let authority = load(certificatePath, keyPath);
    if (!authority) {
      authority = await makeAuthority(now);
      writePrivate(keyPath, authority.key);
      writePrivate(certificatePath, authority.certificate.toString('pem'));
    }
    const opened = new Authority(directory, authority, hosts, lifetime);
    await opened.#renew(now);
    return opened;
  }

  async #renew(now: number): Promise<void> {
    if (this.#authority.certificate.notAfter.getTime() - now > CA_RENEW_DAYS * DAY) return;
    this.#authority = await makeAuthority(now, this.#authority.key);
    writePrivate(join(this.#directory, 'ca.crt'), this.certificate);
  }

  /** The authority's certificate in PEM: what a client must trust. It changes when it is renewed. */
  get certificate(): string {
    return this.#authority.certificate.toString('pem');
  }

  /** The serving certificate, made anew when there is none that is good, or it ends soon. The authority may be renewed first. */
  async serving(now: number): Promise<ServingCertificate> {
    await this.#renew(now);
    const [certificatePath, keyPath] = [join(this.#directory, 'server.crt'), join(this.#directory, 'server.key')];
    let pair = load(certificatePath, keyPath);
    if (!pair || this.#renewAt(pair) <= now || !(await this.#isOwn(pair))) {
      pair = await makeServing(this.#authority, this.#hosts, now, this.#lifetime);
      writePrivate(keyPath, pair.key);
      writePrivate(certificatePath, pair.certificate.toString('pem'));
    }
    return {
      certificate: `${pair.certificate.toString('pem')}\n${this.certificate}\n`,
      key: pair.key,
      renewAt: this.#renewAt(pair),
    };
  }

  #renewAt({ certificate }: Pair): number {
    return certificate.notAfter.getTime() - this.#lifetime * RENEW_SHARE;
  }

  /** Whether this authority issued it, and the key is its own: a crash may have come between the two files. */
  async #isOwn({ certificate, key }: Pair): Promise<boolean> {
    const matches = new X509Certificate(certificate.toString('pem')).checkPrivateKey(createPrivateKey(key));
    return matches && (await certificate.verify({ publicKey: this.#authority.certificate }));
  }
}
