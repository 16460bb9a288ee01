// The admission policy against forged names: its own expressions, as the API server would evaluate them.
import { readFileSync } from 'node:fs';
import { Environment } from '@marcbachmann/cel-js';
import { loadAll } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ASKED_BY, askedByText } from '../../lib/api/asked-by.ts';
import { registerKubernetesFunctions } from '../../lib/apiserver/schema/cel-functions.ts';

interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly policyName?: string;
    readonly matchConditions?: readonly { readonly expression: string }[];
    readonly validations?: readonly { readonly expression: string; readonly messageExpression: string }[];
  };
}

const FILE = new URL('../../manifests/components/audit/policy.yaml', import.meta.url);
const [policy, binding] = loadAll(readFileSync(FILE, 'utf8')) as [Policy, Policy];
const environment = registerKubernetesFunctions(
  new Environment()
    .registerVariable('object', 'dyn')
    .registerVariable('oldObject', 'dyn')
    .registerVariable('request', 'dyn'),
);

const named = (annotation?: string) => ({
  metadata: { name: 'web-1', ...(annotation !== undefined && { annotations: { [ASKED_BY]: annotation } }) },
});

/** Why it is refused; undefined: it is not. */
function refusal(username: string, after: object, before: object | null): string | undefined {
  const known = { object: after, oldObject: before, request: { userInfo: { username } } };
  const { matchConditions = [], validations = [] } = policy.spec;
  if (!matchConditions.every(({ expression }) => environment.evaluate(expression, known) === true)) return undefined;
  const broken = validations.find(({ expression }) => environment.evaluate(expression, known) !== true);
  return broken && String(environment.evaluate(broken.messageExpression, known));
}

test('everybody leaves their own name, and nobody another', () => {
  assert.is(binding.spec.policyName, policy.metadata.name);
  const object = { apiVersion: 'bmp.dev/v1alpha1', kind: 'Instance', metadata: { name: 'web-1', generation: 4 } };
  assert.is(refusal('alice', named(askedByText(object, 'alice')), named()), undefined, 'what bmp writes');
  assert.is(refusal('alice', named('1 alice'), null), undefined, 'with a new object');
  for (const forged of ['5 bob', '5 bob alice', 'alice', '5  alice', ' 5 alice', '', '5 alice bob'])
    assert.match(refusal('alice', named(forged), named('4 alice')) ?? '', /has to name alice, who asks/, forged);
  assert.match(refusal('smith', named('5 john smith'), named()) ?? '', /has to name smith/);
});

test('a name that stands there is in nobody’s way, and may be taken off', () => {
  assert.is(refusal('bob', named('4 alice'), named('4 alice')), undefined);
  assert.is(refusal('bob', named(), named('4 alice')), undefined);
  assert.is(refusal('bob', named(), null), undefined);
});

test.run();
