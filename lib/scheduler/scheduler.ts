// The scheduler: takes a request, looks at the node table, names the best node or says why there is none.
//
// It decides and does no more: the caller commits the decision at the API server and then records it with
// `table.reserve(node, request)`. Answers depend on the table's state alone; ties go to the lowest node id (by UTF-16 code
// units, as `<` compares strings), so a restart gives the same answers.
import { InvalidInputError } from './errors.ts';
import { unschedulable } from './message.ts';
import { classKey, compileClass, type Profile, type RequestClass } from './pipeline.ts';
import { defaultProfiles, type Profiles } from './profiles.ts';
import type { NodeTable } from './table.ts';
import type { Decision, Request } from './types.ts';
import { checkRequest } from './validate.ts';

export class Scheduler {
  readonly table: NodeTable;
  #profiles: Profiles;

  constructor(table: NodeTable, profiles: Profiles = defaultProfiles()) {
    this.table = table;
    this.#profiles = profiles;
  }

  /** Takes over another configuration; the next decision follows it. */
  setProfiles(profiles: Profiles): void {
    this.#profiles = profiles;
  }

  /** The best node for a request as the table stands, which it does not change. Throws InvalidInputError. */
  decide(request: Request): Decision {
    checkRequest(request);
    const profile = this.#profile(request.profile);
    const compiled = compileClass(classKey(profile, request), profile, request, this.table);
    return scan(this.table, compiled);
  }

  #profile(name: string): Profile {
    const profile = this.#profiles.get(name);
    if (profile === undefined) throw new InvalidInputError('request', 'profile', `is not configured: ${name}`);
    return profile;
  }
}

function scan(table: NodeTable, { judgeNode, judgeAllocations, reasons }: RequestClass): Decision {
  const counts = new Map<string, number>();
  let best: { node: string; score: number } | undefined;
  for (let slot = 0; slot < table.slots; slot++) {
    const node = table.node(slot);
    if (node === undefined) continue;
    const fixed = judgeNode(slot);
    const varying = fixed < 0 ? fixed : judgeAllocations(slot);
    if (varying < 0) {
      const reason = reasons[-varying]!;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
      continue;
    }
    const score = fixed + varying;
    if (best === undefined || score > best.score || (score === best.score && node.id < best.node)) {
      best = { node: node.id, score };
    }
  }
  return best ?? { unschedulable: unschedulable(counts) };
}
