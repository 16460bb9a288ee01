// watch: the state a client asks to start from, then every change, in order, as long as it listens.
import type { Json, JsonObject, KubeObject } from '../json.ts';
import { present, withResourceVersion } from '../resources/present.ts';
import { apiVersionOf } from '../resources/resource.ts';
import { expired } from '../status.ts';
import type { Change, Entry } from '../store/entry.ts';
import { partialObjectMetadata, table } from '../table/table.ts';
import type { Call } from './call.ts';
import { includeObject, type ListOptions, listOptions } from './options.ts';
import { type Selection, selectionOf } from './read.ts';
import { tableOptions } from './show.ts';

/** Where a watch writes to. */
export interface Sink {
  /** Sends one frame. */
  readonly write: (frame: Buffer) => void;
  /** Bytes that the client has not taken yet. */
  readonly pending: () => number;
  /** Ends the stream in good order. */
  readonly end: () => void;
  /** Cuts the connection. */
  readonly destroy: () => void;
  /** Called when the stream is closed, by whichever side. */
  readonly onClose: (listener: () => void) => void;
}

/** A client that is this far behind is cut off; it resumes from its last resourceVersion. */
const PENDING_LIMIT = 16 * 2 ** 20;
const BOOKMARK_MILLISECONDS = 60_000;
const MIN_TIMEOUT_SECONDS = 1800;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

interface Frames {
  readonly object: (type: EventType, key: string, shared: Change | undefined, object: () => Shown) => Buffer;
  readonly bookmark: (revision: number, annotations?: { [key: string]: string }) => Buffer;
}

interface Shown {
  readonly object: KubeObject;
  readonly text: string;
}

function frame(type: string, text: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${text}}\n`);
}

/** How this client wants objects shown. Frames of whole objects are shared by all watchers of a version. */
function framesFor(call: Call): Frames {
  const { view, viewVersion } = call.accepted;
  const apiVersion = apiVersionOf(call.resource.group, call.version.name);
  let first = true;
  const asTable = (object: KubeObject | undefined, metadata: JsonObject): string => {
    const body = table(object ? [object] : [], metadata, tableOptions(call), first);
    first = false;
    return JSON.stringify(body satisfies Json);
  };
  return {
    object: (type, key, shared, shown) => {
      if (view === 'table') {
        const { object } = shown();
        return frame(type, asTable(object, { resourceVersion: object.metadata.resourceVersion ?? '' }));
      }
      const name = `${view} ${viewVersion} ${apiVersion} ${type} ${key}`;
      let made = shared?.renderings?.get(name) as Buffer | undefined;
      if (!made) {
        const { object, text } = shown();
        made = frame(type, view === 'metadata' ? JSON.stringify(partialObjectMetadata(object, viewVersion)) : text);
        if (shared) {
          shared.renderings ??= new Map();
          shared.renderings.set(name, made);
        }
      }
      return made;
    },
    bookmark: (revision, annotations) => {
      const metadata = {
        resourceVersion: String(revision),
        ...(annotations ? { annotations } : {}),
      };
      if (view === 'table') return frame('BOOKMARK', asTable(undefined, { resourceVersion: String(revision) }));
      const kind = view === 'metadata' ? 'PartialObjectMetadata' : call.resource.kind;
      const version = view === 'metadata' ? `meta.k8s.io/${viewVersion}` : apiVersion;
      return frame('BOOKMARK', JSON.stringify({ kind, apiVersion: version, metadata }));
    },
  };
}

/**
 * Checks the request, then streams to the sink until either side ends.
 * @param start opens the stream; called once the request is found good
 * @throws ApiError before the stream is open
 */
export function watch(call: Call, start: () => Sink): void {
  const options = listOptions(call.query, true);
  const selection = selectionOf(call, options);
  if (call.accepted.view === 'table') includeObject(call.query);
  const { store } = call.cluster;
  const frames = framesFor(call);
  const initial = options.initialEvents ?? (options.resourceVersion ?? 0) === 0;
  const from = initial ? store.revision : (options.resourceVersion ?? store.revision);
  const missed = initial ? [] : store.since(call.resource.collection, from);
  const sink = start();
  if (!missed) {
    const error = expired(`too old resource version: ${from} (${store.compacted})`);
    sink.write(frame('ERROR', JSON.stringify(error.status)));
    sink.end();
    return;
  }
  const send = (change: Change) => {
    if (change.revision <= from) return;
    const made = frameOf(call, selection, frames, change);
    if (made) sink.write(made);
    if (sink.pending() > PENDING_LIMIT) sink.destroy();
  };
  if (initial) sendState(call, selection, frames, sink);
  for (const change of missed) send(change);
  if (options.initialEvents) {
    const annotations = { [INITIAL_EVENTS_END]: 'true' };
    if (options.bookmarks) sink.write(frames.bookmark(store.revision, annotations));
  }
  stream(call, options, frames, sink, send);
}

function stream(call: Call, options: ListOptions, frames: Frames, sink: Sink, send: (change: Change) => void): void {
  const { store } = call.cluster;
  // Spread, so that clients that came together do not leave together.
  const seconds = options.timeoutSeconds ?? MIN_TIMEOUT_SECONDS * (1 + Math.random());
  const bookmark = () => {
    if (options.bookmarks) sink.write(frames.bookmark(store.revision));
  };
  const stop = store.watch(call.resource.collection, send);
  const leave = () => {
    stop();
    stopServing();
    clearInterval(bookmarks);
    clearTimeout(ending);
  };
  // Nothing may be written after the end, and the connection closes only some turns later.
  const end = () => {
    leave();
    sink.end();
  };
  // What clients get must be what is served: they come back and find it changed, or gone.
  const stopServing = call.cluster.registry.onGone((resource) => {
    if (resource === call.resource) end();
  });
  const bookmarks = setInterval(bookmark, BOOKMARK_MILLISECONDS);
  const ending = setTimeout(() => {
    bookmark();
    end();
  }, seconds * 1000);
  sink.onClose(leave);
}

function sendState(call: Call, selection: Selection, frames: Frames, sink: Sink): void {
  const entries = call.cluster.store.list(call.resource.collection, { prefix: selection.prefix });
  for (const entry of entries) {
    if (!selection.matches(entry)) continue;
    sink.write(frames.object('ADDED', entry.key, undefined, () => present(entry, call.resource, call.version)));
  }
}

/** What a change means to a selection: objects that move in are added, those that move out are deleted. */
function frameOf(call: Call, selection: Selection, frames: Frames, change: Change): Buffer | undefined {
  if (!change.key.startsWith(selection.prefix)) return undefined;
  const show = (entry: Entry) => present(entry, call.resource, call.version);
  const selected = (entry: Entry | undefined) => entry !== undefined && selection.matches(entry);
  const [before, now] = [selected(change.previous), selected(change.next)];
  if (now) {
    const type = before ? 'MODIFIED' : 'ADDED';
    return frames.object(type, change.key, change, () => show(change.next!));
  }
  if (!before) return undefined;
  return frames.object('DELETED', change.key, change, () => {
    const object = withResourceVersion(show(change.previous!).object, change.revision);
    return { object, text: JSON.stringify(object) };
  });
}
