// A file as it stands in a tar, for small archives: the conformance suite's, and those of simulated machines.
//
// Source: POSIX.1-2017, pax, "ustar Interchange Format".

const BLOCK = 512;
/** Behind the last entry. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** @param path of at most 100 bytes */
export function tarEntry(path: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(BLOCK);
  const put = (at: number, text: string) => header.write(text, at, 'latin1');
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, path);
  put(100, octal(0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(0, 11));
  // Taken for blanks where it is counted itself.
  put(148, ' '.repeat(8));
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  put(
    148,
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    ),
  );
  const padding = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}
