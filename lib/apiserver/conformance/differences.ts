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
    cases: /reading built-in kinds: no such path|OpenAPI of a version that is not there/,
    path: /\.body\.paths/,
    why: 'Other paths are served.',
  },
  {
    cases:
      /applying custom resources: (a wrong container|broken YAML)|JSON patch: no list|deleting custom resources: a body of another kind/,
    path: /\.message$/,
    why: "The real text ends with Go's own view of the value, or names a Go source file.",
  },
  {
    cases: /updating custom resources: with another uid/,
    path: /\.message$/,
    why: "The real text quotes etcd's key.",
  },
  {
    cases: /updating built-in kinds: a role reference/,
    path: /\.message$/,
    why: 'The refused value is shown as JSON, not as a Go structure.',
  },
  {
    cases: /strategic merge patch: an unknown directive/,
    path: /\.message$/,
    why: 'The real text ends with the patch as a Go map.',
  },
  {
    cases: /strategic merge patch: an unknown field/,
    path: /headers\.warning$/,
    why: 'Kubernetes 1.20 had no field validation; later versions warn.',
  },
  {
    cases: /service account secrets by name|events in both groups/,
    path: /f:(secrets|regarding)/,
    why: 'Since Kubernetes 1.21 object references are owned as a whole.',
  },
  {
    cases: /^namespaces: /,
    path: /f:metadata|f:status|metadata\.labels/,
    why: 'Since Kubernetes 1.21 namespaces have a label with their name, and status is not owned through the object itself.',
  },
  {
    cases: /watching custom resources: a forgotten version/,
    path: /\.events/,
    why: 'A server that just started has forgotten nothing.',
  },
  {
    cases: /definitions: (no|two) storage version|definitions: a version twice/,
    path: /\.message$/,
    why: "The refused versions are shown as they were sent, not as the server's own Go structures.",
  },
  {
    cases: /definitions: (a rule|a pattern that is none)/,
    path: /\.message$/,
    why: "The compiler's findings are in its own words, and the rule is shown as it was sent.",
  },
  {
    cases: /definitions: a conversion that is not known/,
    path: /\.message$/,
    why: 'Versions are converted by their apiVersion alone; there are no conversion webhooks.',
  },
  {
    cases: /definitions: two storage versions/,
    path: /details\.causes$/,
    why: 'The stored version is told as missing only where it is.',
  },
  {
    cases: /several versions: (replaced in the other|a watch in the other|storage moves to another)/,
    path: /managedFields$/,
    why: 'The real server forgets who owns what when a field is not in all versions.',
  },
  {
    cases: /access: no token/,
    path: /./,
    why: 'Nobody is let in without an identity; the real server knows an anonymous user.',
  },
  {
    cases: /access: (a role that grants more than one has|a binding )/,
    path: /f:roleRef/,
    why: 'Since Kubernetes 1.21 references to roles are owned as a whole.',
  },
  {
    cases: /access: asking two things/,
    path: /\.message$/,
    why: 'The refused value is shown as JSON, not as a Go structure.',
  },
  {
    cases: /^events: (of no type|without|a note that is too long)/,
    path: /(details\.group|\.message)$/,
    why: 'The kind is named with the group that it was sent to.',
  },
  {
    cases: /^events:/,
    path: /f:(regarding|involvedObject)/,
    why: 'Since Kubernetes 1.21 references to objects are owned as a whole.',
  },
  {
    cases: /leases: a time (finer than microseconds|without a fraction)/,
    path: /./,
    why: 'Times may have any number of digits: clients without microseconds can be electors too.',
  },
  {
    cases: /leases: a time in another zone/,
    path: /renewTime$/,
    why: 'Times are kept as they were written.',
  },
  {
    cases: /access: acting as (a group alone|more of nobody)/,
    path: /./,
    why: 'A bad request, not an internal error.',
  },
  {
    cases: /quotas: what is used is told/,
    path: /\.subresource$/,
    why: 'Since Kubernetes 1.22 managed fields say through which subresource they were written.',
  },
  {
    cases: /quotas: a fraction/,
    path: /\.message$/,
    why: 'The refused value is shown as it was sent, not as a Go structure.',
  },
  {
    cases: /leases: a time that is none/,
    path: /\.message$/,
    why: "The real text quotes Go's parser and its types.",
  },
  {
    cases: /leases: in the table/,
    path: /columnDefinitions\[\d+\]\.description$/,
    why: 'Columns of built-in kinds are not described.',
  },
];
