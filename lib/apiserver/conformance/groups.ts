// All groups of cases.
import type { Group } from './case.ts';
import { APPLYING } from './cases/applying.ts';
import { CREATING } from './cases/creating.ts';
import { DEFINING } from './cases/defining.ts';
import { DELETING } from './cases/deleting.ts';
import { DISCOVERING } from './cases/discovering.ts';
import { EVENTING } from './cases/eventing.ts';
import { LEADING } from './cases/leading.ts';
import { LIMITING } from './cases/limiting.ts';
import { PATCHING } from './cases/patching.ts';
import { PERMITTING } from './cases/permitting.ts';
import { READING } from './cases/reading.ts';
import { RULING } from './cases/ruling.ts';
import { TABLES } from './cases/tables.ts';
import { UPDATING } from './cases/updating.ts';
import { VALIDATING } from './cases/validating.ts';
import { VERSIONING } from './cases/versioning.ts';
import { WATCHING } from './cases/watching.ts';

export const GROUPS: readonly Group[] = [
  ...READING,
  ...TABLES,
  ...CREATING,
  ...VALIDATING,
  ...RULING,
  ...UPDATING,
  ...PATCHING,
  ...APPLYING,
  ...DELETING,
  ...WATCHING,
  ...DEFINING,
  ...VERSIONING,
  ...DISCOVERING,
  ...PERMITTING,
  ...LIMITING,
  ...LEADING,
  ...EVENTING,
];
