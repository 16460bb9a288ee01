// Regular expressions of schemas and rules. Kubernetes runs them on RE2, whose time is linear in the text; V8's backtracking is
// not, so it is told to go over to its own linear engine when a match backtracks too much.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
setFlagsFromString('--regexp-backtracks-before-fallback=20000');

/** What RE2 does not know, and what V8's linear engine cannot run: look-around and references to groups. */
const UNSUPPORTED = /\(\?<?[=!]|\\[1-9]|\\k</;
/** The parts of a pattern that matter here: escapes with their braces, edges of classes, and characters beyond 16 bits. */
const PARTS = /\\[pP](?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))|\\.|\[\^?\]?|\]|[\u{10000}-\u{10ffff}]/gsu;

const ranges = new Map<string, string>();

/**
 * A Unicode class as ranges of 16-bit characters, without brackets. Patterns with the u flag would know it by name, but V8 has no
 * linear engine for them.
 */
function rangesOf(name: string, inverted: boolean): string {
  const key = `${inverted ? 'P' : 'p'}{${name}}`;
  let text = ranges.get(key);
  if (text === undefined) {
    const members = unicodeClass(name, inverted);
    const hex = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
    const found: string[] = [];
    let first = -1;
    for (let code = 0; code <= 0x10000; code++) {
      const inside = code < 0x10000 && members.test(String.fromCharCode(code));
      if (inside && first < 0) first = code;
      if (inside || first < 0) continue;
      found.push(`${hex(first)}-${hex(code - 1)}`);
      first = -1;
    }
    text = found.join('');
    ranges.set(key, text);
  }
  return text;
}

/** RE2 names categories and scripts alike. */
function unicodeClass(name: string, inverted: boolean): RegExp {
  const kind = inverted ? '\\P' : '\\p';
  try {
    return new RegExp(`${kind}{${name}}`, 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new RegExp(`${kind}{Script=${name}}`, 'u');
  }
}

/** The pattern without what only the u flag understands. @throws SyntaxError */
function spelledOut(pattern: string): string {
  let inClass = false;
  return pattern.replace(PARTS, (part, caret?: string, long?: string, short?: string) => {
    const name = long ?? short;
    if (name !== undefined) {
      const listed = rangesOf(name, (part[1] === 'P') !== (caret === '^'));
      return inClass ? listed : `[${listed}]`;
    }
    if (part.startsWith('[')) {
      // Within a class, another bracket is a character like any other.
      if (inClass) return part;
      inClass = true;
    } else if (part === ']') inClass = false;
    else if (part.codePointAt(0)! > 0xffff) {
      if (inClass) throw new SyntaxError(`characters beyond U+FFFF in a class of ${pattern}`);
      return `(?:${part})`;
    }
    return part;
  });
}

/**
 * Compiles an RE2 pattern. Of characters beyond U+FFFF, no Unicode class has any.
 * @throws SyntaxError for what is no pattern there
 */
export function compilePattern(pattern: string): RegExp {
  if (UNSUPPORTED.test(pattern)) throw new SyntaxError(`invalid or unsupported Perl syntax in ${pattern}`);
  const [, flags = '', body = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
  const source = body.replaceAll('\\z', '$').replaceAll('\\A', '^').replaceAll('(?P<', '(?<');
  return new RegExp(spelledOut(source), flags);
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
