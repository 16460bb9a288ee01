// All built-in kinds, in discovery's order.
import type { Resource } from '../resources/resource.ts';
import { APIEXTENSIONS } from './apiextensions.ts';
import { COORDINATION } from './coordination.ts';
import { CORE } from './core.ts';
import { EVENTS } from './events.ts';
import { RBAC } from './rbac.ts';
import { REVIEWS } from './reviews.ts';

export const BUILTIN: readonly Resource[] = [
  ...CORE,
  ...EVENTS,
  ...REVIEWS,
  ...RBAC,
  ...APIEXTENSIONS,
  ...COORDINATION,
];
