// On which lines of a YAML text its fields stand.
import { EVENT_ID, type Event, getScalarValue } from 'js-yaml';

/** Lines, counted from 1, by RFC 6901 pointers. */
export type Lines = Map<string, number>;

/** The line of each field of each document, by its pointer. What an alias or a merge key brings has none of its own. */
export function linesOf(text: string, events: readonly Event[]): Lines[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineAt = (offset: number) => upperBound(starts, offset);
  const documents: Lines[] = [];
  let next = 0;

  function walk(pointer: string, lines: Lines): void {
    const event = events[next++]!;
    if ('start' in event || 'valueStart' in event) {
      const offset = 'start' in event ? event.start : event.valueStart;
      if (!lines.has(pointer) && offset >= 0) lines.set(pointer, lineAt(offset));
    }
    if (event.type === EVENT_ID.SEQUENCE) {
      for (let index = 0; events[next]!.type !== EVENT_ID.POP; index++) walk(`${pointer}/${index}`, lines);
      next++;
    } else if (event.type === EVENT_ID.MAPPING) {
      while (events[next]!.type !== EVENT_ID.POP) {
        const key = events[next]!;
        const name = key.type === EVENT_ID.SCALAR ? getScalarValue(text, key) : '';
        const below = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        walk(below, lines);
        walk(below, lines);
      }
      next++;
    }
  }

  while (next < events.length) {
    next++;
    const lines: Lines = new Map();
    documents.push(lines);
    while (events[next]!.type !== EVENT_ID.POP) walk('', lines);
    next++;
  }
  return documents;
}

/** The line of what a pointer names; where there is none, of what is around it. */
export function nearest(lines: Lines, pointer: string): number {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const line = lines.get(at);
    if (line !== undefined || at === '') return line ?? 1;
  }
}

/** How many of these ascending numbers are not above `value`. */
function upperBound(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
