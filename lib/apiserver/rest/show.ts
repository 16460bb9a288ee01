// The form of an answer that the client asked for: whole objects, a Table, or metadata alone.
import type { JsonObject, KubeObject } from '../json.ts';
import type { Presented } from '../resources/present.ts';
import { apiVersionOf } from '../resources/resource.ts';
import { partialObjectMetadata, type TableOptions, table } from '../table/table.ts';
import type { Answer, Call } from './call.ts';
import { includeObject } from './options.ts';

export function tableOptions(call: Call): TableOptions {
  return {
    columns: call.version.columns,
    include: includeObject(call.query),
    version: call.accepted.viewVersion,
    now: call.cluster.now(),
  };
}

/** One object. */
export function showObject(call: Call, code: number, shown: Presented): Answer {
  const { view, viewVersion } = call.accepted;
  if (view === 'table') {
    const { resourceVersion } = shown.object.metadata;
    return { code, body: table([shown.object], resourceVersion ? { resourceVersion } : {}, tableOptions(call)) };
  }
  if (view === 'metadata') return { code, body: partialObjectMetadata(shown.object, viewVersion) };
  return { code, text: shown.text };
}

/** One object that is not stored, such as a dry run's. */
export function showUnstored(call: Call, code: number, object: KubeObject): Answer {
  return showObject(call, code, { object, text: JSON.stringify(object) });
}

/** A list. Items of built-in kinds carry no apiVersion and kind of their own, as in the API's typed lists. */
export function showList(call: Call, items: readonly Presented[], metadata: JsonObject): Answer {
  const { view, viewVersion } = call.accepted;
  const objects = () => items.map((item) => item.object);
  if (view === 'table') return { code: 200, body: table(objects(), metadata, tableOptions(call)) };
  if (view === 'metadata') {
    const body = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${viewVersion}`,
      metadata,
      items: objects().map((object) => partialObjectMetadata(object, viewVersion)),
    };
    return { code: 200, body };
  }
  const apiVersion = apiVersionOf(call.resource.group, call.version.name);
  const prefix = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(call.resource.kind)},`;
  const bare = (text: string) =>
    !call.resource.custom && text.startsWith(prefix) ? `{${text.slice(prefix.length)}` : text;
  // Lists of custom resources always name their continuation.
  const shown = call.resource.custom ? { continue: '', ...metadata } : metadata;
  const head = JSON.stringify({ kind: call.resource.listKind, apiVersion, metadata: shown });
  const texts = items.map((item) => bare(item.text)).join(',');
  return { code: 200, text: `${head.slice(0, -1)},"items":[${texts}]}` };
}
