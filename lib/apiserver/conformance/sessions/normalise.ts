// Makes what kubectl prints on different clusters comparable: ages, times, uids, versions and places become words.

export interface Places {
  readonly namespace: string;
  readonly directory: string;
  /** https://host:port */
  readonly server: string;
}

const AGE = String.raw`(?:\d+[ywdhms]){1,2}`;

const RULES: readonly (readonly [RegExp, string])[] = [
  [/ {4}certificate-authority-data: DATA\+OMITTED\n/g, ''],
  // A session is recorded for a minor version of kubectl, of which there are several builds.
  [/^Error: /gm, 'error: '],
  [/(Client Version: v\d+\.\d+)\S*/g, '$1'],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  // Sessions' own instants lie in years that no session runs in.
  [/\b(?!200)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, '<time>'],
  [/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} \w{3} (?!200)\d{4} \d{2}:\d{2}:\d{2} \+0000/g, '<time>'],
  [/(resourceVersion"?: *"?)\d+/gi, '$1<version>'],
  [/(Resource Version: *)\d+/g, '$1<version>'],
  // Log lines of the client's own libraries: their level and what they say, not when, where and by which process.
  [/^([IWEF])\d{4} \d{2}:\d{2}:\d{2}\.\d+ +\d+ [\w.]+:\d+\] /gm, '$1 '],
  [new RegExp(`(?<=^|\\s)${AGE}( \\(x\\d+ over ${AGE}\\))?(?= ago|\\s|$)`, 'gm'), '<age>'],
  // A watch that is cut short by a short timeout is told or not, as it happens.
  [/^[IW] .*very short watch.*\n/gm, ''],
  // Columns are as wide as what stands in them.
  [/ {2,}/g, '  '],
  [/ +$/gm, ''],
  [/^(-+|=+)$/gm, '---'],
];

/** The text with placeholders for what differs from run to run. */
export function normaliseText(text: string, places: Places): string {
  let result = text.replaceAll(places.directory, '<directory>').replaceAll(places.namespace, '<namespace>');
  result = result.replaceAll(places.server, '<server>').replaceAll(new URL(places.server).host, '<host>');
  for (const [pattern, word] of RULES) result = result.replace(pattern, word);
  return result;
}
