// The provisioning API's own certificate. Nobody signs it but itself: whoever shall trust it is given its fingerprint.
// @peculiar/x509's container library wants it loaded first.
import 'reflect-metadata';
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

export interface Certificate {
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

/** Agents and installed systems know it by its fingerprint, so it must outlive every system that it was given to. */
const YEARS = 30;
/** Clocks of machines that have just been unpacked run late. */
const BACKDATED_MS = 366 * 24 * 3600 * 1000;

/**
 * A new ECDSA P-256 key and a self-signed certificate for it.
 *
 * @param hosts names and IP addresses under which the API is reached; for people who look at it, as the pin is what counts.
 */
export async function createCertificate(hosts: readonly string[], now: Date): Promise<Certificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + YEARS);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // RFC 5280, §4.1.2.2: positive and at most 20 octets.
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: 'CN=bmp provisioning',
    notBefore: new Date(now.getTime() - BACKDATED_MS),
    notAfter,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { key: pem('PRIVATE KEY', pkcs8), cert: pem('CERTIFICATE', Buffer.from(certificate.rawData)) };
}

/** SHA-256 of the certificate's DER form: 64 lower-case hex digits. Throws when `cert` is no PEM certificate. */
export function certificateFingerprint(cert: string): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** RFC 7468. */
function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
