// The reflector's state machine: what has been seen decides what to ask the server next. No input or output here.
import type { KubeList, WatchEvent } from './client.ts';
import { type ApiError, isBadRequest, isGone, isInvalid } from './errors.ts';
import { type KubeObject, objectKey } from './resource.ts';

export type ReflectorState<T extends KubeObject> =
  /** One watch brings first everything there is, then, after a bookmark that says so, what changes (KEP-3157). */
  | { readonly type: 'initial-watch'; readonly staged: Map<string, T> }
  /** Everything there is, in pages: for servers that do not know the other way. */
  | { readonly type: 'listing'; readonly staged: Map<string, T>; readonly continue: string | undefined }
  /** Everything is known up to `resourceVersion`. */
  | {
      readonly type: 'watching';
      readonly resourceVersion: string;
      /** How to start over: the server has shown that it does not know initial events. */
      readonly restart: 'initial-watch' | 'listing';
      /** The last watch brought nothing at all. */
      readonly silent: boolean;
    };
type State<T extends KubeObject, Type extends ReflectorState<T>['type']> = ReflectorState<T> & { type: Type };

export type ReflectorInput<T extends KubeObject> =
  | { readonly type: 'page'; readonly page: KubeList<T> }
  | { readonly type: 'event'; readonly event: WatchEvent<T> }
  /** The server ended the watch, as it does every few minutes. */
  | { readonly type: 'ended' }
  /** Nothing came for longer than a live server is silent. */
  | { readonly type: 'silent' }
  | { readonly type: 'failed'; readonly error: ApiError };

export type StoreChange<T extends KubeObject> =
  | { readonly type: 'replace'; readonly objects: ReadonlyMap<string, T> }
  | { readonly type: 'upsert'; readonly object: T }
  | { readonly type: 'remove'; readonly key: string };

export interface Step<T extends KubeObject> {
  readonly state: ReflectorState<T>;
  readonly change?: StoreChange<T>;
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export const initialWatch = <T extends KubeObject>(): ReflectorState<T> => ({
  type: 'initial-watch',
  staged: new Map(),
});
const listing = <T extends KubeObject>(): ReflectorState<T> => ({
  type: 'listing',
  staged: new Map(),
  continue: undefined,
});

/** The state after `input`, and what it changes in the store. `staged` maps are filled in place. */
export function step<T extends KubeObject>(state: ReflectorState<T>, input: ReflectorInput<T>): Step<T> {
  switch (state.type) {
    case 'initial-watch':
      return stepInitialWatch(state, input);
    case 'listing':
      return stepListing(state, input);
    case 'watching':
      return stepWatching(state, input);
  }
}

function stepInitialWatch<T extends KubeObject>(state: State<T, 'initial-watch'>, input: ReflectorInput<T>): Step<T> {
  switch (input.type) {
    case 'event':
      return stage(state, input.event);
    case 'silent':
      // A server that does not know the request may send the events, but never the bookmark that ends them.
      return { state: listing() };
    case 'failed':
      return { state: isInvalid(input.error) || isBadRequest(input.error) ? listing() : initialWatch() };
    case 'ended':
    case 'page':
      return { state: initialWatch() };
  }
}

function stage<T extends KubeObject>(state: State<T, 'initial-watch'>, event: WatchEvent<T>): Step<T> {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      state.staged.set(objectKey(event.object), event.object);
      return { state };
    case 'DELETED':
      state.staged.delete(objectKey(event.object));
      return { state };
    case 'BOOKMARK':
      return event.object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true'
        ? {
            state: watching(versionOf(event.object), 'initial-watch'),
            change: { type: 'replace', objects: state.staged },
          }
        : { state };
  }
}

function stepListing<T extends KubeObject>(state: State<T, 'listing'>, input: ReflectorInput<T>): Step<T> {
  switch (input.type) {
    case 'page': {
      const { items, metadata } = input.page;
      for (const item of items) state.staged.set(objectKey(item), item);
      return metadata.continue
        ? { state: { ...state, continue: metadata.continue } }
        : {
            state: watching(metadata.resourceVersion, 'listing'),
            change: { type: 'replace', objects: state.staged },
          };
    }
    case 'failed':
      // A page may be asked for again; a list whose snapshot is gone, or whose token is refused, starts over.
      return { state: isGone(input.error) || isBadRequest(input.error) ? listing() : state };
    case 'event':
    case 'ended':
    case 'silent':
      return { state };
  }
}

function stepWatching<T extends KubeObject>(state: State<T, 'watching'>, input: ReflectorInput<T>): Step<T> {
  switch (input.type) {
    case 'event': {
      const next = watching<T>(versionOf(input.event.object), state.restart);
      const change = changeOf(input.event);
      return change ? { state: next, change } : { state: next };
    }
    case 'failed': {
      const { error } = input;
      return { state: isGone(error) || isBadRequest(error) || isInvalid(error) ? startOver(state) : state };
    }
    case 'silent':
      // Once is a dead connection. Twice may be a server restored from a backup, which is behind what has been seen
      // and would stay silent until it has caught up.
      return { state: state.silent ? startOver(state) : { ...state, silent: true } };
    case 'ended':
    case 'page':
      return { state };
  }
}

const startOver = <T extends KubeObject>(state: State<T, 'watching'>): ReflectorState<T> =>
  state.restart === 'listing' ? listing() : initialWatch();

function changeOf<T extends KubeObject>(event: WatchEvent<T>): StoreChange<T> | undefined {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'upsert', object: event.object };
    case 'DELETED':
      return { type: 'remove', key: objectKey(event.object) };
    case 'BOOKMARK':
      return undefined;
  }
}

const watching = <T extends KubeObject>(
  resourceVersion: string,
  restart: 'initial-watch' | 'listing',
): ReflectorState<T> => ({
  type: 'watching',
  resourceVersion,
  restart,
  silent: false,
});

/** Events without one do not get past lib/kube/watch.ts. */
const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? '';
