// get and list: from memory, at the newest revision or, for pages of one list, at the revision of its first page.
import type { JsonObject } from '../json.ts';
import { type Presented, present } from '../resources/present.ts';
import { groupResource, keyOf } from '../resources/resource.ts';
import { parseFieldSelector } from '../selectors/fields.ts';
import { parseLabelSelector } from '../selectors/labels.ts';
import { ApiError, badRequest, expired, futureVersion, notFound } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Range } from '../store/store.ts';
import type { Answer, Call } from './call.ts';
import { type ListOptions, listOptions } from './options.ts';
import { showList, showObject } from './show.ts';

export function get(call: Call): Answer {
  const { cluster, request, resource } = call;
  const { resourceVersion } = listOptions(
    new URLSearchParams({ resourceVersion: call.query.get('resourceVersion') ?? '' }),
    false,
  );
  refuseFuture(resourceVersion, cluster.store.revision);
  const entry = cluster.store.get(resource.collection, keyOf(resource, request.namespace, request.name));
  if (!entry) throw notFound(groupResource(resource), request.name);
  return showObject(call, 200, present(entry, resource, call.version));
}

export interface Selection {
  readonly prefix: string;
  readonly matches: (entry: Entry) => boolean;
  /** Whether matches() lets everything through. */
  readonly everything: boolean;
  /** The key of the only object that can match. */
  readonly key: string | undefined;
}

/** What a list or watch selects. @throws ApiError 400 */
export function selectionOf(call: Call, options: ListOptions): Selection {
  const { request, resource, version } = call;
  const labels = parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(options.fieldSelector, version.selectable);
  const name = request.name || fields.name;
  const named = name !== undefined && (!resource.namespaced || request.namespace !== '');
  return {
    prefix: resource.namespaced && request.namespace ? `${request.namespace}/` : '',
    // What a key or labels can tell spares looking into the object.
    matches: (entry) =>
      (options.labelSelector === '' || labels(entry.labels)) &&
      (!request.name || entry.key.endsWith(`/${request.name}`) || entry.key === request.name) &&
      (options.fieldSelector === '' || fields.matches(present(entry, resource, version).object)),
    everything: options.labelSelector === '' && options.fieldSelector === '' && request.name === '',
    key: named ? keyOf(resource, request.namespace, name) : undefined,
  };
}

export function refuseFuture(asked: number | undefined, current: number): void {
  if (asked !== undefined && asked > current) throw futureVersion(asked, current);
}

interface Page {
  /** -1: whatever is newest. */
  readonly revision: number;
  readonly after: string;
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

function continueToken(page: Page): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: page.revision, start: page.after })).toString(
    'base64url',
  );
}

function parseContinue(token: string): Page {
  const refuse = () => badRequest('continue key is not valid: the token could not be read');
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as JsonObject | null;
    const [revision, after] = [value?.['rv'], value?.['start']];
    if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || typeof after !== 'string') throw refuse();
    return { revision, after };
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse();
    throw error;
  }
}

/** The entries of a page's range at its revision. @throws ApiError 410 when that is forgotten */
function entriesOf(call: Call, options: ListOptions, range: Range, revision: number): Iterable<Entry> {
  const { store } = call.cluster;
  const entries = store.listAt(call.resource.collection, range, revision);
  if (entries) return entries;
  if (!options.continue)
    throw expired(`The provided resource version is no longer available: ${revision} (${store.compacted})`);
  const token = continueToken({ revision: -1, after: range.after ?? '' });
  const error = expired(TOO_OLD);
  // The client may go on with this token, at the price that the list is no longer of one moment.
  throw new Expired(error.message, token);
}

/** 410 with a token to carry on with, in the Status' metadata. */
class Expired extends ApiError {
  readonly #token: string;
  constructor(message: string, token: string) {
    super(410, 'Expired', message);
    this.#token = token;
  }
  override get status(): JsonObject {
    return { ...super.status, metadata: { continue: this.#token } };
  }
}

export function list(call: Call): Answer {
  const options = listOptions(call.query, false);
  const { store } = call.cluster;
  const selection = selectionOf(call, options);
  refuseFuture(options.resourceVersion, store.revision);
  const page = options.continue ? parseContinue(options.continue) : undefined;
  const exact =
    options.match === 'Exact' || (options.limit > 0 && (options.resourceVersion ?? 0) > 0 && options.match === '');
  const asked = page?.revision ?? (exact ? options.resourceVersion! : -1);
  const revision = asked < 0 ? store.revision : asked;
  if (page && options.resourceVersion !== undefined && options.resourceVersion > 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const range = { prefix: selection.prefix, ...(page ? { after: page.after } : {}) };
  const items: Presented[] = [];
  let remaining = 0;
  let last = '';
  for (const entry of candidates(call, options, selection, range, revision)) {
    if (options.limit > 0 && items.length === options.limit) {
      remaining++;
      if (!selection.everything) break;
      continue;
    }
    if (!selection.matches(entry)) continue;
    items.push(present(entry, call.resource, call.version));
    last = entry.key;
  }
  const more = remaining > 0;
  return showList(call, items, {
    resourceVersion: String(revision),
    ...(more ? { continue: continueToken({ revision, after: last }) } : {}),
    // With selectors nobody knows how many of the rest match.
    ...(more && selection.everything ? { remainingItemCount: remaining } : {}),
  });
}

function candidates(
  call: Call,
  options: ListOptions,
  selection: Selection,
  range: Range,
  revision: number,
): Iterable<Entry> {
  const { store } = call.cluster;
  if (selection.key !== undefined && revision >= store.revision && !options.continue) {
    const entry = store.get(call.resource.collection, selection.key);
    return entry ? [entry] : [];
  }
  return entriesOf(call, options, range, revision);
}
