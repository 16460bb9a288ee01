// Node selector and node affinity: what a request wants of a node's labels, required and preferred.
import type { Filter, Plugin, Score } from '../plugin.ts';
import { matchesRequired, matchesSelector } from '../selectors.ts';
import type { LabelSelector, NodeAffinity } from '../types.ts';

const MAX = 100;

const filter: Filter<{ selector: LabelSelector; affinity: Pick<NodeAffinity, 'required'> }> = {
  stage: 'preFilter',
  reads: 'node',
  sign({ nodeSelector, nodeAffinity }) {
    if (nodeSelector === undefined && nodeAffinity?.required === undefined) return undefined;
    return { selector: nodeSelector ?? {}, affinity: { required: nodeAffinity?.required } };
  },
  compile({ selector, affinity }, { table, reason }) {
    const otherLabels = reason('other labels');
    return (slot) => {
      const { labels } = table.node(slot)!;
      return matchesSelector(selector, labels) && matchesRequired(affinity, labels) ? 0 : otherLabels;
    };
  },
};

/** The share of the preferred weights that match: 100 when all do. */
const score: Score<{ preferred: NonNullable<NodeAffinity['preferred']> }> = {
  max: MAX,
  reads: 'node',
  sign({ nodeAffinity }) {
    return nodeAffinity?.preferred?.length ? { preferred: nodeAffinity.preferred } : undefined;
  },
  compile({ preferred }, { table }) {
    const total = preferred.reduce((sum, { weight }) => sum + weight, 0);
    return (slot) => {
      const { labels } = table.node(slot)!;
      let matched = 0;
      for (const { weight, preference } of preferred) if (matchesSelector(preference, labels)) matched += weight;
      return Math.floor((MAX * matched) / total);
    };
  },
};

export const nodeAffinity: Plugin = { name: 'NodeAffinity', filter, score };
