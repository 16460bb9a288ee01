// The custom resource that cases about CEL rules use.
import type { JsonObject } from '../json.ts';

const text = { type: 'string' };
const integer = { type: 'integer' };
const rules = (...list: JsonObject[]): JsonObject => ({ 'x-kubernetes-validations': list });

export const RULED_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        min: integer,
        max: integer,
        fixed: { ...text, ...rules({ rule: 'self == oldSelf', message: 'fixed cannot change' }) },
        list: { type: 'array', maxItems: 5, items: integer, ...rules({ rule: 'self.isSorted()' }) },
        text: {
          ...text,
          maxLength: 20,
          ...rules({ rule: 'size(self) <= 5', messageExpression: '"too long: " + self' }),
        },
        broken: {
          ...text,
          maxLength: 9,
          ...rules({
            rule: 'false',
            message: 'the fixed message',
            messageExpression: "1 / (size(self) - size(self)) > 0 ? 'a' : 'b'",
          }),
        },
        forbidden: { type: 'boolean' },
        needs: { type: 'boolean' },
        needed: text,
        twin: text,
        other: text,
        even: { ...integer, ...rules({ rule: 'self % 2 == 0', message: 'must be even' }) },
        lower: { ...text, maxLength: 9, ...rules({ rule: "self.matches('^[a-z]*$')", message: 'must be lower case' }) },
        choice: { ...text, enum: ['a', 'b'] },
        pattern: { ...text, pattern: '^[a-z]+$' },
        once: {
          ...text,
          ...rules({
            rule: "oldSelf.hasValue() ? self == oldSelf.value() : self == 'a'",
            optionalOldSelf: true,
            message: 'starts as a and stays',
          }),
        },
        items: {
          type: 'array',
          maxItems: 5,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['key'],
          items: {
            type: 'object',
            required: ['key'],
            properties: { key: text, value: integer },
            ...rules(
              { rule: 'self.value >= 0', message: 'value is negative' },
              { rule: 'self.value >= oldSelf.value', message: 'value cannot go down' },
            ),
          },
        },
        amounts: {
          type: 'object',
          maxProperties: 5,
          additionalProperties: { ...integer, ...rules({ rule: 'self > 0', message: 'amounts are positive' }) },
        },
        amount: {
          ...text,
          maxLength: 20,
          ...rules({
            rule: "isQuantity(self) && quantity(self).compareTo(quantity('1Mi')) >= 0",
            message: 'at least 1Mi',
          }),
        },
        url: {
          ...text,
          maxLength: 40,
          ...rules({ rule: "isURL(self) && url(self).getScheme() == 'https'", message: 'an https URL' }),
        },
        ip: { ...text, maxLength: 40, ...rules({ rule: 'isIP(self)', message: 'an address' }) },
        wait: { ...text, format: 'duration', ...rules({ rule: "self <= duration('1h')", message: 'at most an hour' }) },
        when: {
          ...text,
          format: 'date-time',
          ...rules({ rule: "self > timestamp('2002-01-01T00:00:00Z')", message: 'not that long ago' }),
        },
        'dash-ed': text,
        namespace: text,
        port: {
          'x-kubernetes-int-or-string': true,
          ...rules({ rule: "type(self) == int ? self < 65536 : self != ''", message: 'a port' }),
        },
        numbers: {
          type: 'array',
          maxItems: 5,
          items: integer,
          ...rules({
            rule: 'self.all(n, n < 10) && self.exists_one(n, n == 1) && self.map(n, n * 2).exists(n, n == 4)',
            message: 'numbers below 10',
          }),
        },
        pairs: {
          type: 'array',
          maxItems: 1000,
          items: integer,
          ...rules({ rule: 'self.all(a, self.all(b, a + b >= 0))' }, { rule: 'size(self) != 3' }),
        },
        often: {
          type: 'array',
          maxItems: 350,
          items: integer,
          ...rules(
            ...Array.from({ length: 15 }, (_, index) => ({ rule: `self.all(a, self.all(b, a + b >= ${-index}))` })),
          ),
        },
        wordy: {
          type: 'array',
          maxItems: 400,
          items: integer,
          ...rules({
            rule: 'size(self) < 2',
            messageExpression: "self.map(a, self.map(b, a + b)).size() > 0 ? 'sums' : 'none'",
          }),
        },
        nested: {
          type: 'object',
          properties: { a: text, b: text },
          ...rules({ rule: 'self.a != self.b', message: 'a and b must differ' }),
        },
      },
      ...rules(
        { rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not exceed max' },
        {
          rule: '!has(self.forbidden) || !self.forbidden',
          message: 'not allowed',
          reason: 'FieldValueForbidden',
          fieldPath: '.forbidden',
        },
        {
          rule: '!has(self.needs) || !self.needs || has(self.needed)',
          message: 'needed is required',
          reason: 'FieldValueRequired',
          fieldPath: '.needed',
        },
        {
          rule: '!has(self.twin) || !has(self.other) || self.twin != self.other',
          message: 'twins',
          reason: 'FieldValueDuplicate',
          fieldPath: '.other',
        },
        { rule: "!has(self.dash__dash__ed) || self.dash__dash__ed != 'bad'", message: 'a dash' },
        { rule: "!has(self.__namespace__) || self.__namespace__ != 'bad'", message: 'a reserved word' },
      ),
    },
  },
};
