// Discovery, versions and OpenAPI: only what does not depend on what else the server has.
import { get, group } from '../case.ts';
import { CONFORMANCE_GROUP } from '../widgets.ts';

const AGGREGATED = {
  headers: { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' },
};

export const DISCOVERING = [
  group('discovery of custom resources', 'custom', {
    'a group that is not there': [get('/apis/none.bmp.dev')],
    'a version that is not there': [get(`/apis/${CONFORMANCE_GROUP}/v7`)],
    'an old version’s resources': [get(`/apis/${CONFORMANCE_GROUP}/v1beta1`)],
    health: [get('/healthz'), get('/livez'), get('/readyz')],
    'OpenAPI of a version that is not there': [get('/openapi/v3/apis/none.bmp.dev/v1')],
    'aggregated, for others only': [get(`/apis/${CONFORMANCE_GROUP}/v1beta1`, AGGREGATED)],
  }),
];
