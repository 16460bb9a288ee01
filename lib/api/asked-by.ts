// Who asked for what an object's spec says: an annotation that holds for one generation of it, and for no later one.
//
// Kubernetes does not tell controllers who changed an object. Whoever writes for a person (the CLI) asks the server who that
// is and leaves the name here. Anybody who may write the object may write this too, unless
// manifests/components/audit is installed: it tells people, and nothing goes by it.
import type { KubeObject } from '../kube/resource.ts';

export const ASKED_BY = 'bmp.dev/asked-by';

const LONGEST = 200;

/** The annotation's value for a change that makes the generation after that of `object`. */
export const askedByText = ({ metadata }: KubeObject, user: string): string =>
  `${(metadata.generation ?? 0) + 1} ${user}`;

/** Who made the object's spec what it is; undefined where that is not known. */
export function askedBy({ metadata }: KubeObject): string | undefined {
  const [, generation, user] = /^(\d+) (.+)$/.exec(metadata.annotations?.[ASKED_BY] ?? '') ?? [];
  return Number(generation) === metadata.generation ? user?.slice(0, LONGEST) : undefined;
}
