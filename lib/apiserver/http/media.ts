// Content negotiation: which form the client wants (Accept) and which one it sends (Content-Type).
import { notAcceptable, unsupportedMediaType } from '../status.ts';

export type Encoding = 'json' | 'yaml';
/** How objects are to be shown: whole, as a Table, or only their metadata. */
export type View = 'object' | 'table' | 'metadata';

export interface Accepted {
  readonly encoding: Encoding;
  readonly view: View;
  /** Of the view's meta.k8s.io types: "v1" or "v1beta1". */
  readonly viewVersion: string;
}

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Clients send the same few headers for ever. */
const parsed = new Map<string, readonly MediaRange[]>();
const PARSED_LIMIT = 100;
const LENGTH_LIMIT = 1000;

function rangesOf(header: string): readonly MediaRange[] {
  let ranges = parsed.get(header);
  if (!ranges) {
    ranges = parseRanges(header);
    if (parsed.size < PARSED_LIMIT && header.length < LENGTH_LIMIT) parsed.set(header, ranges);
  }
  return ranges;
}

function parseRanges(header: string): MediaRange[] {
  const ranges = header.split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((text) => text.trim());
    const pairs = rest.map((text): [string, string] => {
      const [name = '', value = ''] = text.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replace(/^"|"$/g, '')];
    });
    return { type: type.toLowerCase(), parameters: new Map(pairs) };
  });
  const quality = (range: MediaRange) => Number(range.parameters.get('q') ?? 1) || 0;
  // Sorting is stable: equals keep the client's order, which is its preference.
  return ranges.filter((range) => quality(range) > 0).sort((a, b) => quality(b) - quality(a));
}

function encodingOf(type: string): Encoding | undefined {
  if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return 'json';
  if (type === YAML_TYPE) return 'yaml';
  return undefined;
}

const VIEWS: { readonly [name: string]: View } = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
};

/**
 * Picks the first acceptable form.
 * @param views which transformations the endpoint offers
 * @throws ApiError 406 when there is none.
 */
export function negotiate(header: string | undefined, views: readonly View[] = []): Accepted {
  const plain = { encoding: 'json', view: 'object', viewVersion: 'v1' } as const;
  if (!header) return plain;
  for (const { type, parameters } of rangesOf(header)) {
    const encoding = encodingOf(type);
    if (!encoding) continue;
    const as = parameters.get('as');
    if (as === undefined) return { ...plain, encoding };
    const view = VIEWS[as];
    const viewVersion = parameters.get('v') ?? '';
    const offered = view && views.includes(view) && parameters.get('g') === 'meta.k8s.io';
    if (offered && (viewVersion === 'v1' || viewVersion === 'v1beta1')) return { encoding, view, viewVersion };
  }
  throw notAcceptable([JSON_TYPE, YAML_TYPE]);
}

const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** What a create or update may be sent as. */
export const BODY_TYPES: readonly string[] = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE];

/**
 * The encoding of a create's or update's body.
 * @throws ApiError 415 for anything but BODY_TYPES.
 */
export function bodyEncoding(header: string | undefined): Encoding | 'protobuf' {
  const type = mediaType(header);
  if (type === '' || type === JSON_TYPE) return 'json';
  if (type === YAML_TYPE) return 'yaml';
  if (type === PROTOBUF_TYPE) return 'protobuf';
  throw unsupportedMediaType(BODY_TYPES);
}

/** The media type without its parameters, in lower case. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
