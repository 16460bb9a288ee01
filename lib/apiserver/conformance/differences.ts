// Where this server knowingly answers otherwise than the real ones, and why.

export interface Difference {
  /** Cases that it shows in, as "group: name". */
  readonly cases: RegExp;
  /** Places in their outcomes, as compare.ts names them. */
  readonly path: RegExp;
  readonly why: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    cases: /^tables/,
    path: /columnDefinitions\[\d+\]\.description$/,
    why: 'Descriptions of columns that the server itself adds are in our own words.',
  },
  {
    cases:
      /a broken continue token|as broken (YAML|JSON)|as nothing|as a (list|text)|a config map with a number|not base64/,
    path: /\.message$/,
    why: "The text after the class of a syntax error is the decoder's own; Go's quotes its parser and its types.",
  },
  {
    cases: /a form that cannot be had|an unknown version of tables/,
    path: /\.message$/,
    why: 'Answers are JSON or YAML, never protobuf, and the refusal lists what can be had.',
  },
  {
    cases: /creating custom resources: of another version/,
    path: /headers\.warning$/,
    why: 'An object of a version that is not there has no schema by which its fields could be unknown.',
  },
  {
    cases: /creating built-in kinds: of another (kind|version)/,
    path: /\.message$/,
    why: 'The real text names a Go source file, or complains of the first field that the other kind has in another type.',
  },
  {
    cases: /a lease with a bad duration/,
    path: /\.message$/,
    why: 'Kubernetes 1.20 has a slip of the pen here, which later versions put right.',
  },
  {
    cases: /reading built-in kinds: no such path/,
    path: /\.body\.paths/,
    why: 'Other paths are served.',
  },
];
