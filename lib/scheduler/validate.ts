// The edge: nothing that is not a proper node, request or reservation gets in. All checks throw InvalidInputError.
import { InvalidInputError, type InvalidSubject } from './errors.ts';
import type {
  LabelSelector,
  Node,
  PlacementAffinity,
  PlacementTerm,
  Request,
  Reservation,
  Resources,
  SelectorRequirement,
} from './types.ts';

const MAX_INT32 = 2 ** 31 - 1;
const MAX_OVERCOMMIT = 1000;
/** Rules between placements in one request: each costs a counter, and a look at its domains for every decision. */
const MAX_RULES = 32;

function fail(subject: InvalidSubject, field: string, problem: string): never {
  throw new InvalidInputError(subject, field, problem);
}

function checkText(subject: InvalidSubject, field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') fail(subject, field, 'must be a string that is not empty');
}

/** Amounts are non-negative integers up to 2^53 - 1: NaN, fractions, infinity and negative amounts are refused. */
export function checkResources(subject: InvalidSubject, field: string, resources: Resources): void {
  for (const name in resources) {
    const amount = resources[name];
    if (name === '') fail(subject, field, 'has a resource without a name');
    if (!Number.isSafeInteger(amount) || amount! < 0) {
      fail(subject, `${field}.${name}`, `must be a whole number from 0 to 2^53 - 1, not ${String(amount)}`);
    }
  }
}

/** What can be taken of a capacity: (capacity - reserved) × overcommit, exact, rounded down. */
export function allocatable(node: Node, resource: string): number {
  const left = (node.capacity[resource] ?? 0) - (node.reserved[resource] ?? 0);
  const thousandths = Math.round((node.overcommit[resource] ?? 1) * 1000);
  if (left <= 0) return 0;
  return thousandths === 1000 ? left : Number((BigInt(left) * BigInt(thousandths)) / 1000n);
}

export function checkNode(node: Node): void {
  checkText('node', 'id', node.id);
  checkText('node', 'name', node.name);
  checkResources('node', 'capacity', node.capacity);
  checkResources('node', 'reserved', node.reserved);
  for (const [name, factor] of Object.entries(node.overcommit)) {
    if (!(factor > 0 && factor <= MAX_OVERCOMMIT)) {
      fail('node', `overcommit.${name}`, `must be above 0 and at most ${MAX_OVERCOMMIT}, not ${String(factor)}`);
    }
  }
  for (const name of Object.keys(node.capacity)) {
    if (!Number.isSafeInteger(allocatable(node, name))) {
      fail('node', `capacity.${name}`, 'must stay below 2^53 when multiplied by its overcommit');
    }
  }
  if (!Number.isInteger(node.maxPlacements) || node.maxPlacements < 0 || node.maxPlacements > MAX_INT32) {
    fail('node', 'maxPlacements', `must be a whole number from 0 to 2^31 - 1, not ${String(node.maxPlacements)}`);
  }
}

export function checkReservation(reservation: Reservation, subject: InvalidSubject = 'reservation'): void {
  checkText(subject, 'id', reservation.id);
  checkText(subject, 'tenant', reservation.tenant);
  checkResources(subject, 'resources', reservation.resources);
  if (!Number.isInteger(reservation.priority) || Math.abs(reservation.priority) > MAX_INT32) {
    fail(subject, 'priority', `must be a 32-bit whole number, not ${String(reservation.priority)}`);
  }
  if (reservation.antiAffinity) checkAffinity(subject, 'antiAffinity', reservation.antiAffinity);
  const group = reservation.group;
  if (group === undefined) return;
  checkText(subject, 'group.name', group.name);
  if (!Number.isInteger(group.size) || group.size < 1) fail(subject, 'group.size', 'must be at least 1');
  if (group.maxUnavailable !== undefined && !(Number.isInteger(group.maxUnavailable) && group.maxUnavailable >= 0)) {
    fail(subject, 'group.maxUnavailable', 'must be a whole number from 0');
  }
}

/** Everything about a request, save its profile's name, which only the scheduler's configuration can tell. */
export function checkRequest(request: Request): void {
  checkReservation(request, 'request');
  if (ruleCount(request) > MAX_RULES) {
    fail('request', 'spread', `and affinities together must not have more than ${MAX_RULES} rules`);
  }
  if (request.nodeSelector) checkSelector('request', 'nodeSelector', request.nodeSelector, true);
  request.nodeAffinity?.required?.forEach((term, index) => {
    checkSelector('request', `nodeAffinity.required[${index}]`, term, true);
  });
  request.nodeAffinity?.preferred?.forEach((preferred, index) => {
    checkWeight('request', `nodeAffinity.preferred[${index}].weight`, preferred.weight);
    checkSelector('request', `nodeAffinity.preferred[${index}].preference`, preferred.preference, true);
  });
  if (request.affinity) checkAffinity('request', 'affinity', request.affinity);
  request.spread?.forEach((constraint, index) => {
    checkText('request', `spread[${index}].topologyKey`, constraint.topologyKey);
    if (!Number.isInteger(constraint.maxSkew) || constraint.maxSkew < 1) {
      fail('request', `spread[${index}].maxSkew`, 'must be at least 1');
    }
    if (constraint.selector) checkSelector('request', `spread[${index}].selector`, constraint.selector, false);
  });
}

function ruleCount({ spread, affinity, antiAffinity }: Request): number {
  const lists = [spread, affinity?.required, affinity?.preferred, antiAffinity?.required, antiAffinity?.preferred];
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

function checkAffinity(subject: InvalidSubject, field: string, affinity: PlacementAffinity): void {
  const checkTerm = (path: string, term: PlacementTerm) => {
    checkText(subject, `${path}.topologyKey`, term.topologyKey);
    checkSelector(subject, `${path}.selector`, term.selector, false);
  };
  affinity.required?.forEach((term, index) => {
    checkTerm(`${field}.required[${index}]`, term);
  });
  affinity.preferred?.forEach((preferred, index) => {
    checkWeight(subject, `${field}.preferred[${index}].weight`, preferred.weight);
    checkTerm(`${field}.preferred[${index}].term`, preferred.term);
  });
}

function checkWeight(subject: InvalidSubject, field: string, weight: number): void {
  if (!Number.isInteger(weight) || weight < 1 || weight > 100) fail(subject, field, 'must be from 1 to 100');
}

function checkSelector(subject: InvalidSubject, field: string, selector: LabelSelector, ofNodes: boolean): void {
  selector.matchExpressions?.forEach((requirement, index) => {
    checkRequirement(subject, `${field}.matchExpressions[${index}]`, requirement, ofNodes);
  });
}

function checkRequirement(
  subject: InvalidSubject,
  field: string,
  { key, operator, values = [] }: SelectorRequirement,
  ofNodes: boolean,
): void {
  checkText(subject, `${field}.key`, key);
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) fail(subject, `${field}.values`, `must not be empty with ${operator}`);
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) fail(subject, `${field}.values`, `must be empty with ${operator}`);
      return;
    case 'Gt':
    case 'Lt':
      if (!ofNodes) fail(subject, `${field}.operator`, `${operator} is for nodes only`);
      if (values.length !== 1 || !/^-?\d{1,15}$/.test(values[0]!)) {
        fail(subject, `${field}.values`, `must be one whole number with ${operator}`);
      }
      return;
    default:
      fail(subject, `${field}.operator`, `is not known: ${String(operator)}`);
  }
}
