// Commands that knowingly print other things on this server than on the real ones, and why.

export interface SessionDifference {
  readonly commands: RegExp;
  readonly why: string;
}

export const SESSION_DIFFERENCES: readonly SessionDifference[] = [
  {
    commands: /^kubectl explain (widget|gadget)/,
    why: 'Fields that all kinds share are described in our own words and as today; the recorded cluster is of 1.20, and publishes custom resources in OpenAPI v2 alone.',
  },
  {
    commands: /^kubectl create -f unknown\.yaml( --validate=strict)?$/,
    why: 'The recorded core does not say that it checks for unknown fields, so that kubectl checks by itself, in other words.',
  },
];
