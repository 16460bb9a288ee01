// Reviews: kinds that are never stored; creating one asks a question, and the answer is its status.
import type { Resource } from '../resources/resource.ts';
import { define } from './define.ts';
import { boolean, kind, list, map, object, string } from './notation.ts';

const texts = (description: string) => list(description, { type: 'string' });
const extra = map('Further attributes.', { type: 'array', items: { type: 'string' } });

const resourceAttributes = object('A request for a resource.', {
  group: string('API group; "*" for all.'),
  name: string('Name of the object; empty for all.'),
  namespace: string('Namespace; empty for all, or for cluster-scoped resources.'),
  resource: string('Resource; "*" for all.'),
  subresource: string('Subresource.'),
  verb: string('Verb; "*" for all.'),
  version: string('API version.'),
});
const nonResourceAttributes = object('A request for a path.', { path: string('The path.'), verb: string('The verb.') });
const accessStatus = object('The answer.', {
  allowed: boolean('Whether it may be done.'),
  denied: boolean('Whether it was forbidden, not just not allowed.'),
  evaluationError: string('What went wrong on the way to the answer.'),
  reason: string('Why.'),
});
const access = { resourceAttributes, nonResourceAttributes };
const someone = {
  ...access,
  extra,
  groups: texts('Groups of the user.'),
  uid: string('UID of the user.'),
  user: string('Name of the user.'),
};
const userInfo = object('Who it is.', {
  extra,
  groups: texts('Groups.'),
  uid: string('UID.'),
  username: string('Name.'),
});

const authorization = { group: 'authorization.k8s.io', review: true } as const;
const authentication = { group: 'authentication.k8s.io', review: true } as const;

const subjectReview = (description: string) =>
  kind(description, { spec: object('The question.', someone), status: accessStatus }, 'spec');

export const REVIEWS: readonly Resource[] = [
  define({
    ...authentication,
    plural: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    namespaced: false,
    schema: kind('Asks who one is.', { status: object('The answer.', { userInfo }) }),
  }),
  define({
    ...authentication,
    plural: 'tokenreviews',
    kind: 'TokenReview',
    namespaced: false,
    schema: kind(
      'Asks whose a token is.',
      {
        spec: object('The question.', { audiences: texts('For whom the token must be.'), token: string('The token.') }),
        status: object('The answer.', {
          audiences: texts('For whom it is, of those asked for.'),
          authenticated: boolean('Whether it is anybody’s.'),
          error: string('Why not.'),
          user: userInfo,
        }),
      },
      'spec',
    ),
  }),
  define({
    ...authorization,
    plural: 'localsubjectaccessreviews',
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
    schema: subjectReview('Asks whether somebody may do something in a namespace.'),
  }),
  define({
    ...authorization,
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
    schema: kind(
      'Asks whether one may do something.',
      { spec: object('The question.', access), status: accessStatus },
      'spec',
    ),
  }),
  define({
    ...authorization,
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    namespaced: false,
    schema: kind(
      'Asks what one may do in a namespace.',
      {
        spec: object('The question.', { namespace: string('The namespace.') }),
        status: object('The answer.', {
          evaluationError: string('What went wrong on the way to the answer.'),
          incomplete: boolean('Whether there may be more.'),
          nonResourceRules: list(
            'Rules for paths.',
            object('A rule.', { nonResourceURLs: texts('Paths.'), verbs: texts('Verbs.') }),
          ),
          resourceRules: list(
            'Rules for resources.',
            object('A rule.', {
              apiGroups: texts('API groups.'),
              resourceNames: texts('Names; none for all.'),
              resources: texts('Resources.'),
              verbs: texts('Verbs.'),
            }),
          ),
        }),
      },
      'spec',
    ),
  }),
  define({
    ...authorization,
    plural: 'subjectaccessreviews',
    kind: 'SubjectAccessReview',
    namespaced: false,
    schema: subjectReview('Asks whether somebody may do something.'),
  }),
];
