// All groups of cases.
import type { Group } from './case.ts';
import { CREATING } from './cases/creating.ts';
import { READING } from './cases/reading.ts';
import { TABLES } from './cases/tables.ts';
import { VALIDATING } from './cases/validating.ts';

export const GROUPS: readonly Group[] = [...READING, ...TABLES, ...CREATING, ...VALIDATING];
