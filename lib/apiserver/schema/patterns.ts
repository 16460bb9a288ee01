// Regular expressions of schemas and rules. Kubernetes runs them on RE2, whose time is linear in the text; V8's backtracking is
// not, so it is told to go over to its own linear engine when a match backtracks too much.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
setFlagsFromString('--regexp-backtracks-before-fallback=20000');

/** What RE2 does not know, and what V8's linear engine cannot run: look-around and references to groups. */
const UNSUPPORTED = /\(\?<?[=!]|\\[1-9]|\\k</;
/** What only the u flag understands; with it there is no linear engine. */
const UNICODE = /\\[pP]\{|\\u\{|[\u{10000}-\u{10ffff}]/u;

/**
 * Compiles an RE2 pattern.
 * @throws SyntaxError for what is no pattern there
 */
export function compilePattern(pattern: string): RegExp {
  if (UNSUPPORTED.test(pattern)) throw new SyntaxError(`invalid or unsupported Perl syntax in ${pattern}`);
  const [, flags = '', body = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
  const source = body.replaceAll('\\z', '$').replaceAll('\\A', '^').replaceAll('(?P<', '(?<');
  return new RegExp(source, UNICODE.test(source) ? `${flags}u` : flags);
}

const compiled = new Map<string, RegExp>();
const KEPT = 1000;

/** Whether a text has a match. @throws SyntaxError */
export function matches(pattern: string, text: string): boolean {
  let found = compiled.get(pattern);
  if (!found) {
    found = compilePattern(pattern);
    // Rules may compute patterns: the memory for them is bounded.
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(pattern, found);
  }
  return found.test(text);
}
