// A command that changes the spec of one or more objects, and waits for what comes of it where that is asked for.
import { ASKED_BY, askedByText } from '../api/asked-by.ts';
import { equal } from '../kube/merge-patch.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import {
  CLUSTER_HELP,
  CLUSTER_OPTIONS,
  type Cluster,
  FIELD_MANAGER,
  onCluster,
  type Target,
  targetsOf,
  userName,
} from './cluster.ts';
import { type Command, UsageError, type Values, whole } from './command.ts';
import { CONFIRM_HELP, CONFIRM_OPTIONS, confirm } from './confirm.ts';
import { read, type Seen, type Verdict, waitFor } from './progress.ts';

const LONGEST_SECONDS = 86_400;
const WAIT_SECONDS = 3600;
const MOST_OBJECTS = 1000;

/** What is written, what is told, and when that has come true. */
export interface Change {
  /** Merged into the object's spec. */
  readonly spec: object;
  /** `asked for a restart`. */
  readonly told: string;
  readonly judge: (object: Seen) => Verdict;
}

export interface Changing {
  readonly name: string;
  readonly summary: string;
  /** The lines of the help after its first. */
  readonly about: string;
  readonly example: string;
  /** Of what kinds; the first is meant by a name alone. */
  readonly resources: readonly Resource[];
  /** Words before the names: `on|off`. */
  readonly verbs?: readonly string[];
  readonly options?: Command['options'];
  readonly optionsHelp?: string;
  /** What is lost by it; none: nothing that cannot be had back. */
  readonly loses?: (names: string, values: Values) => string;
  change(object: KubeObject, values: Values, verb: string): Change;
}

const helpOf = ({ name, about, example, resources, verbs, optionsHelp, loses }: Changing) =>
  [
    `Usage: bmp ${name} ${verbs ? `${verbs.join('|')} ` : ''}${resources.map(({ kind }) => `${kind.toUpperCase()}`).join('|')}... [options]`,
    '',
    about,
    '',
    ...(optionsHelp ? [optionsHelp] : []),
    '  -w, --wait             until it came true or failed, with its progress; the exit code tells which',
    `  --timeout SECONDS      how long to wait (default ${WAIT_SECONDS})`,
    ...(loses ? [CONFIRM_HELP] : []),
    CLUSTER_HELP,
    '',
    `Example: ${example}`,
  ].join('\n');

export function changing(what: Changing): Command {
  const { name, summary, verbs, resources, loses } = what;
  return {
    name,
    summary,
    help: helpOf(what),
    ...(verbs && { words: verbs }),
    names: resources[0]!.plural,
    operands: { least: verbs ? 2 : 1, most: MOST_OBJECTS },
    options: {
      ...CLUSTER_OPTIONS,
      ...what.options,
      ...(loses && CONFIRM_OPTIONS),
      wait: { type: 'boolean', short: 'w' },
      timeout: { type: 'string' },
    },
    async run(values, _, operands) {
      const [verb, words] = verbs ? [verbOf(verbs, operands[0]!), operands.slice(1)] : ['', operands];
      const timeoutMs = 1000 * whole(values, 'timeout', 1, LONGEST_SECONDS, WAIT_SECONDS);
      const named = targetsOf(words, resources);
      return onCluster(values, async (cluster) => {
        const targets = named.map((target) => target(cluster));
        // All of them are there before the first is changed.
        const objects = await Promise.all(targets.map((target) => read<KubeObject>(cluster, target)));
        if (loses && !(await confirm(values, loses(words.join(', '), values)))) return 1;
        const changes = objects.map((object) => what.change(object, values, verb));
        const user = await userName(cluster.client);
        const generations: number[] = [];
        for (const [index, change] of changes.entries()) {
          const object = objects[index]!;
          // What changes nothing makes no generation that the name could hold for: somebody else's would go by it.
          const isNamed = user !== undefined && !holds((object as { spec?: unknown }).spec, change.spec);
          const annotations = isNamed ? { [ASKED_BY]: askedByText(object, user) } : {};
          generations.push(await write(cluster, targets[index]!, change, annotations));
        }
        if (values.wait !== true) return 0;
        let code: 0 | 1 = 0;
        for (const [index, change] of changes.entries()) {
          // What a status says of the spec before is no answer.
          const judge = (object: Seen) =>
            (object.status?.observedGeneration ?? 0) < generations[index]! ? undefined : change.judge(object);
          if ((await waitFor(cluster, targets[index]!, { timeoutMs, judge, out: process.stdout })) === 1) code = 1;
        }
        return code;
      });
    },
  };
}

/** Whether a merge of the patch would leave the value as it is. */
export function holds(value: unknown, patch: unknown): boolean {
  if (patch === null) return value === undefined || value === null;
  if (typeof patch !== 'object' || Array.isArray(patch)) return equal(value, patch);
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(patch).every(([key, wanted]) => holds((value as Record<string, unknown>)[key], wanted))
  );
}

function verbOf(verbs: readonly string[], word: string): string {
  if (verbs.includes(word)) return word;
  throw new UsageError(`takes ${verbs.join(' or ')} first, not "${word}"`);
}

/** @returns the generation that the change made */
async function write(
  { client }: Cluster,
  target: Target,
  { spec, told }: Change,
  annotations: object,
): Promise<number> {
  const body = { metadata: { annotations }, spec };
  const after = await client.patch(target.resource, target, { type: 'merge', body }, { fieldManager: FIELD_MANAGER });
  console.log(`${target.resource.kind.toLowerCase()}/${target.name}: ${told}`);
  return after.metadata.generation ?? 0;
}
