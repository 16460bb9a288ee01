// Matching of labels against selectors and of taints against tolerations, with Kubernetes' own rules.
import type { LabelSelector, Labels, NodeAffinity, SelectorRequirement, Taint, Toleration } from './types.ts';

/** meta/v1 LabelSelector: everything in it must hold; NotIn and DoesNotExist also hold where the label is missing. */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels } = selector;
  // Placements are counted by the ten thousand: no list is made of what differs in its first label.
  for (const key in matchLabels) if (labelOf(labels, key) !== matchLabels[key]) return false;
  return (selector.matchExpressions ?? []).every((requirement) => matchesRequirement(requirement, labels));
}

function matchesRequirement(requirement: SelectorRequirement, labels: Labels): boolean {
  const value = labelOf(labels, requirement.key);
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compareIntegers(value, values[0], (left, right) => left > right);
    case 'Lt':
      return compareIntegers(value, values[0], (left, right) => left < right);
  }
}

// A label named like a member of every object ("constructor") must not be found where nobody set it.
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

const INTEGER = /^-?\d{1,15}$/;

function compareIntegers(
  value: string | undefined,
  bound: string | undefined,
  holds: (left: number, right: number) => boolean,
): boolean {
  if (value === undefined || bound === undefined || !INTEGER.test(value) || !INTEGER.test(bound)) return false;
  return holds(Number(value), Number(bound));
}

/** Whether one of the required terms matches; without terms every node does (core/v1 NodeSelector). */
export function matchesRequired(affinity: NodeAffinity, labels: Labels): boolean {
  return affinity.required === undefined || affinity.required.some((term) => matchesSelector(term, labels));
}

/** core/v1 Toleration: an empty key with Exists tolerates all, a missing effect every effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  const exists = toleration.operator === 'Exists';
  if (toleration.key === undefined || toleration.key === '') return exists;
  if (toleration.key !== taint.key) return false;
  return exists || (toleration.value ?? '') === (taint.value ?? '');
}

/** The first taint with one of these effects that nothing tolerates. */
export function firstUntolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly Taint['effect'][],
): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
