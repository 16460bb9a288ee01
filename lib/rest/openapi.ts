// The API's own description (OpenAPI 3.0.3), served at /openapi.json and shown at /docs; the tests hold answers against it.
import { MOST_CORES, MOST_MIB, POOL_PATTERN, TASK_PATTERN } from './task.ts';

type Schema = Readonly<Record<string, unknown>>;

function object(description: string, properties: Readonly<Record<string, Schema>>, optional: string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, properties, required, additionalProperties: false };
}

const status = (value: string): Schema => ({ type: 'string', enum: [value] });

const schemas: Readonly<Record<string, Schema>> = {
  ScheduleRequest: object(
    'What the VM needs.',
    {
      requested_cpu: {
        type: 'number',
        minimum: 0.001,
        maximum: MOST_CORES,
        description: 'Cores, in steps of 0.001.',
        example: 4,
      },
      requested_memory: { type: 'integer', minimum: 1, maximum: MOST_MIB, description: 'MiB.', example: 8192 },
      requested_pool: {
        type: 'string',
        pattern: POOL_PATTERN,
        description: 'Only on hosts of this pool.',
        example: 'default',
      },
      dedicated: { type: 'boolean', default: false, description: 'Only on dedicated hosts; without it, never on one.' },
    },
    ['dedicated'],
  ),
  Task: object('A request that was taken.', {
    task_id: { type: 'string', pattern: TASK_PATTERN, description: 'Also the name of its Placement in the cluster.' },
  }),
  Completed: object('It has its place.', {
    status: status('completed'),
    result: object('The host.', {
      name: { type: 'string', description: 'The Instance that hosts the VM.' },
      ip: { type: 'string', description: "The host's first address; empty while it has told none." },
    }),
  }),
  Processing: object('It was not looked at yet.', { status: status('processing') }),
  Failed: object(
    'No host fits now. It goes on waiting for room, and may be completed later, until it is deleted.',
    {
      status: status('failed'),
      error: status('No available nodes'),
      reason: { type: 'string', description: 'With `explain`: why, over all hosts.' },
    },
    ['reason'],
  ),
  Error: object(
    'Why it was not done.',
    {
      error: { type: 'string' },
      field: { type: 'string', description: 'The field or header that is wrong.' },
      expected: { type: 'string' },
      seen: { description: 'What was there instead, cut short.' },
    },
    ['field', 'expected', 'seen'],
  ),
};

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema: Schema, headers?: Schema): Schema => ({
  description,
  content: { 'application/json': { schema } },
  ...(headers && { headers }),
});

const RETRY = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 1 } } };

const errors: Readonly<Record<string, Schema>> = {
  '401': answer('No token, or one that the cluster does not know.', ref('Error')),
  '403': answer("The cluster's rules do not allow it.", ref('Error')),
  '429': answer('Too many requests.', ref('Error'), RETRY),
  '503': answer('The cluster does not answer.', ref('Error'), RETRY),
};
const missing = { '404': answer('There is no such task.', ref('Error')) };

const taskId = {
  name: 'task_id',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: TASK_PATTERN },
};
const explain = {
  name: 'explain',
  in: 'query',
  schema: { type: 'boolean', default: false },
  description: 'Also says why there is no host.',
};

const readTask = (operationId: string): Schema => ({
  operationId,
  summary: 'How a task ended',
  parameters: [taskId, explain],
  responses: {
    '200': answer('The task as it stands.', { oneOf: [ref('Completed'), ref('Processing'), ref('Failed')] }),
    ...missing,
    ...errors,
  },
});

/** Without authentication, callers need no token. */
export function openapi({ anonymous }: { anonymous: boolean }): Schema {
  return {
    openapi: '3.0.3',
    info: {
      title: 'Placing virtual machines on bare metal',
      version: 'v1alpha1',
      description: 'Every task is a Placement in the cluster, of the same name: kubectl shows the same.',
    },
    ...(!anonymous && { security: [{ token: [] }] }),
    paths: {
      '/schedule': {
        post: {
          operationId: 'schedule',
          summary: 'Ask for a place',
          parameters: [
            {
              name: 'Idempotency-Key',
              in: 'header',
              schema: { type: 'string', minLength: 1, maxLength: 255 },
              description: 'The same key is the same task, however often it is sent.',
            },
          ],
          requestBody: { required: true, content: { 'application/json': { schema: ref('ScheduleRequest') } } },
          responses: {
            '200': answer('Taken.', ref('Task')),
            '400': answer('The body is not JSON.', ref('Error')),
            '413': answer('The body is too large.', ref('Error')),
            '415': answer('The body is not said to be JSON.', ref('Error')),
            '422': answer('A field is not as it must be.', ref('Error')),
            ...errors,
          },
        },
      },
      '/schedule/{task_id}': {
        get: readTask('getTask'),
        delete: {
          operationId: 'giveUp',
          summary: 'Give a place back, or stop waiting for one',
          parameters: [taskId],
          responses: { '204': { description: 'It will be gone.' }, ...missing, ...errors },
        },
      },
      '/result/{task_id}': { get: readTask('getResult') },
    },
    components: {
      schemas,
      ...(!anonymous && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}
