import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstUntolerated, matchesRequired, matchesSelector, tolerates } from './selectors.ts';
import type { SelectorRequirement, Taint, Toleration } from './types.ts';

test('requirements hold as Kubernetes says, with and without the label', () => {
  const cases: [SelectorRequirement['operator'], string[], present: boolean, missing: boolean][] = [
    ['In', ['5', '6'], true, false],
    ['In', ['6'], false, false],
    ['NotIn', ['5'], false, true],
    ['NotIn', ['6'], true, true],
    ['Exists', [], true, false],
    ['DoesNotExist', [], false, true],
    ['Gt', ['4'], true, false],
    ['Gt', ['5'], false, false],
    ['Lt', ['10'], true, false],
    ['Lt', ['x'], false, false],
  ];
  for (const [operator, values, present, missing] of cases) {
    const selector = { matchExpressions: [{ key: 'size', operator, values }] };
    assert.is(matchesSelector(selector, { size: '5' }), present, `${operator} ${values.join()}`);
    assert.is(matchesSelector(selector, {}), missing, `${operator} ${values.join()} without the label`);
  }
});

test('all parts of a selector must hold; the empty one always does', () => {
  const selector = { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' as const }] };
  assert.ok(matchesSelector({}, {}));
  assert.ok(matchesSelector(selector, { a: '1', b: '' }));
  assert.not(matchesSelector(selector, { a: '1' }));
  assert.not(matchesSelector(selector, { b: '' }));
});

test('labels named like members of every object are found only when they are set', () => {
  assert.not(matchesSelector({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {}));
});

test('of required terms one is enough, of no terms none is needed, and of an empty list none matches', () => {
  const [a, b] = [{ matchLabels: { a: '1' } }, { matchLabels: { b: '1' } }];
  assert.ok(matchesRequired({ required: [a, b] }, { b: '1' }));
  assert.not(matchesRequired({ required: [a, b] }, {}));
  assert.ok(matchesRequired({}, {}));
  assert.not(matchesRequired({ required: [] }, {}));
});

test('tolerations match by key, operator, value and effect', () => {
  const taint: Taint = { key: 'gpu', value: 'a', effect: 'NoSchedule' };
  const cases: [Toleration, boolean][] = [
    [{ operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', value: 'a' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'b' }, false],
    [{ key: 'gpu' }, false],
    [{ key: 'disk', operator: 'Exists' }, false],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }, true],
    [{ value: 'a' }, false],
  ];
  for (const [toleration, expected] of cases)
    assert.is(tolerates(toleration, taint), expected, JSON.stringify(toleration));
  assert.is(firstUntolerated([taint], [], ['NoExecute']), undefined);
  assert.is(firstUntolerated([taint], [], ['NoSchedule', 'NoExecute']), taint);
});

test.run();
