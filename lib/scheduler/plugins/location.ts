// Where a request may go by what a node is: one node, pool, region, site, zone; and dedicated or not.
import type { Filter, Plugin } from '../plugin.ts';
import type { Request } from '../types.ts';

/** A filter that wants one of the node's own fields to equal what the request says, if it says anything. */
function equals(
  name: string,
  field: 'id' | 'pool' | 'region' | 'site' | 'zone',
  wanted: (request: Request) => string | undefined,
): Plugin {
  const filter: Filter<string> = {
    stage: 'preFilter',
    reads: 'node',
    sign: wanted,
    compile(value, { table, reason }) {
      const other = reason(`other ${name === 'NodeName' ? 'node' : field}`);
      return (slot) => (table.node(slot)![field] === value ? 0 : other);
    },
  };
  return { name, filter };
}

export const nodeName = equals('NodeName', 'id', (request) => request.node);
export const pool = equals('Pool', 'pool', (request) => request.pool);
export const region = equals('Region', 'region', (request) => request.region);
export const site = equals('Site', 'site', (request) => request.site);
export const zone = equals('Zone', 'zone', (request) => request.zone);

/** Dedicated requests go to dedicated nodes only, and to no other tenant's; common requests never go there. */
const dedicatedFilter: Filter<string | false> = {
  stage: 'preFilter',
  reads: 'node',
  // A common request's tenant makes no difference, so all tenants' common requests stay of one class.
  sign: (request) => request.dedicated && request.tenant,
  compile(tenant, { table, reason }) {
    const dedicated = reason('dedicated');
    const common = reason('not dedicated');
    const foreign = reason('dedicated to another tenant');
    return (slot) => {
      const node = table.node(slot)!;
      if (tenant === false) return node.dedicated ? dedicated : 0;
      if (!node.dedicated) return common;
      return node.dedicatedTo === undefined || node.dedicatedTo === tenant ? 0 : foreign;
    };
  },
};

export const dedicated: Plugin = { name: 'Dedicated', filter: dedicatedFilter };
