// Which paths a simulated Redfish service has, what may be done there, and who may do it.
import type { BmcState } from '../state.ts';
import type { UserSlot } from '../users.ts';
import * as change from './changes.ts';
import { parts, partsPath, storage } from './hardware.ts';
import { type Body, done, found, REFUSE, type Reply } from './messages.ts';
import * as resource from './resources.ts';
import {
  ACCOUNTS,
  CHASSIS,
  EVENTS,
  FIRMWARE,
  INTERFACE,
  LOG,
  MANAGER,
  MEDIA,
  ROLES,
  ROOT,
  SESSIONS,
  STREAM,
  SUBSCRIPTIONS,
  SYSTEM,
  TASKS,
  TEST_EVENT,
} from './resources.ts';
import { stream, subscribe, testEvent } from './subscriptions.ts';
import type { Tokens } from './tokens.ts';

export type Privilege = (typeof ROLES.Administrator)[number];

export interface Asked {
  readonly state: BmcState;
  readonly tokens: Tokens;
  readonly path: string;
  /** The part of the path that a route leaves open. */
  readonly name: string;
  readonly user: UserSlot | undefined;
  readonly body: Body;
}

export interface Operation {
  /** None: anybody may, without logging in. */
  readonly privilege?: Privilege;
  readonly run: (asked: Asked) => Reply;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type Route = Readonly<Partial<Record<Method, Operation>>>;

const get = (body: (asked: Asked) => Body | undefined, privilege: Privilege = 'Login'): Operation => ({
  privilege,
  run: (asked) => {
    const json = body(asked);
    return json ? found(json) : REFUSE.missing();
  },
});

const act = (run: (state: BmcState, body: Body) => Reply, privilege: Privilege): Operation => ({
  privilege,
  run: ({ state, body }) => run(state, body),
});

const list = (path: string, name: string, members: readonly string[]): Route => ({
  GET: get(() => resource.collection(path, name, members)),
});

/** The machine's parts of a kind, and each of them. */
const partRoutes = (kind: keyof typeof resource.PARTS): Record<string, Route> => {
  const path = partsPath(kind);
  const members = ({ state }: Asked) => parts(state, kind).map((part) => String(part['@odata.id']));
  return {
    [path]: { GET: get((asked) => resource.collection(path, kind, members(asked))) },
    [`${path}/{}`]: { GET: get(({ state, name }) => parts(state, kind).find(({ Id }) => Id === name)) },
  };
};

function logIn({ state, tokens, body }: Asked): Reply {
  const user = tokens.account(body.UserName, body.Password, state.faults);
  if (!user) return REFUSE.unauthorized();
  const session = tokens.open(user, state.faults);
  if (!session) return REFUSE.noSession();
  const headers = { 'x-auth-token': session.token, location: `${SESSIONS}/${session.id}` };
  return { status: 201, body: resource.session(session), headers };
}

const accountNamed = ({ state, name }: Asked) => resource.accounts(state).find(({ id }) => String(id) === name);

/** Everybody may change his own account, and only who configures users those of others. */
function patchAccount(asked: Asked): Reply {
  const account = accountNamed(asked);
  if (!account) return REFUSE.missing();
  const may = account === asked.user || (asked.user && resource.roleOf(asked.user) === 'Administrator');
  return may ? change.patchAccount(asked.state, account, asked.body) : REFUSE.privilege();
}

const roleNames = Object.keys(ROLES) as (keyof typeof ROLES)[];

function* entries(state: BmcState): Generator<Buffer> {
  for (let id = 0, found = state.log.entry(id); found; found = state.log.entry(id)) {
    yield found.record;
    if (found.next === 0xffff) return;
    id = found.next;
  }
}

/** Paths without their last slash; "{}" stands for one name. */
export const ROUTES: Readonly<Record<string, Route>> = {
  '/redfish': { GET: { run: () => found({ v1: `${ROOT}/` }) } },
  [ROOT]: { GET: { run: ({ state }) => found(resource.root(state)) } },

  [`${ROOT}/SessionService`]: { GET: get(() => resource.service('SessionService')) },
  [SESSIONS]: {
    GET: get(({ tokens }) =>
      resource.collection(
        SESSIONS,
        'Session',
        tokens.list().map(({ id }) => `${SESSIONS}/${id}`),
      ),
    ),
    POST: { run: logIn },
  },
  [`${SESSIONS}/{}`]: {
    GET: get(
      ({ tokens, name }) =>
        tokens
          .list()
          .filter(({ id }) => id === name)
          .map(resource.session)[0],
    ),
    DELETE: { privilege: 'ConfigureSelf', run: ({ tokens, name }) => (tokens.end(name) ? done() : REFUSE.missing()) },
  },

  [`${ROOT}/AccountService`]: { GET: get(() => resource.service('AccountService')) },
  [ACCOUNTS]: {
    GET: get(({ state }) =>
      resource.collection(
        ACCOUNTS,
        'ManagerAccount',
        resource.accounts(state).map(({ id }) => `${ACCOUNTS}/${id}`),
      ),
    ),
  },
  [`${ACCOUNTS}/{}`]: {
    GET: get((asked) => {
      const account = accountNamed(asked);
      return account && resource.account(account);
    }),
    PATCH: { privilege: 'ConfigureSelf', run: patchAccount },
  },
  [`${ROOT}/AccountService/Roles`]: list(
    `${ROOT}/AccountService/Roles`,
    'Role',
    roleNames.map((name) => `${ROOT}/AccountService/Roles/${name}`),
  ),
  [`${ROOT}/AccountService/Roles/{}`]: {
    GET: get(({ name }) => roleNames.filter((role) => role === name).map(resource.role)[0]),
  },

  [`${ROOT}/Systems`]: list(`${ROOT}/Systems`, 'ComputerSystem', [SYSTEM]),
  [SYSTEM]: { GET: get(({ state }) => resource.system(state)), PATCH: act(change.patchSystem, 'ConfigureComponents') },
  [`${SYSTEM}/Actions/ComputerSystem.Reset`]: { POST: act(change.reset, 'ConfigureComponents') },
  [`${SYSTEM}/LogServices`]: list(`${SYSTEM}/LogServices`, 'LogService', [LOG]),
  [LOG]: { GET: get(({ state }) => resource.logService(state)) },
  [`${LOG}/Entries`]: {
    GET: get(({ state }) =>
      resource.collection(`${LOG}/Entries`, 'LogEntry', [...entries(state)].map(resource.logEntry)),
    ),
  },
  [`${LOG}/Entries/{}`]: {
    GET: get(({ state, name }) => {
      const entry = state.log.entry(Number(name));
      return entry && resource.logEntry(entry.record);
    }),
  },
  [`${LOG}/Actions/LogService.ClearLog`]: { POST: act(change.clearLog, 'ConfigureManager') },

  [`${ROOT}/UpdateService`]: { GET: get(() => resource.service('UpdateService')) },
  [FIRMWARE]: {
    GET: get(({ state }) =>
      resource.collection(
        FIRMWARE,
        'SoftwareInventory',
        Object.keys(resource.firmwareVersions(state)).map((name) => `${FIRMWARE}/${name}`),
      ),
    ),
  },
  [`${FIRMWARE}/{}`]: {
    GET: get(({ state, name }) => {
      const version = new Map(Object.entries(resource.firmwareVersions(state))).get(name);
      return version === undefined ? undefined : resource.firmware(name, version);
    }),
  },
  [`${ROOT}/TaskService`]: { GET: get(() => resource.service('TaskService')) },
  [TASKS]: {
    GET: get(({ state }) =>
      resource.collection(
        TASKS,
        'Task',
        [...state.tasks.keys()].map((id) => `${TASKS}/${id}`),
      ),
    ),
  },
  [`${TASKS}/{}`]: {
    GET: get(({ state, name }) => {
      const looks = state.tasks.get(name);
      if (looks === undefined) return undefined;
      state.tasks.set(name, Math.max(0, looks - 1));
      return resource.task(name, looks > 0);
    }),
  },

  [EVENTS]: { GET: get(resource.eventService) },
  [STREAM]: { GET: { privilege: 'Login', run: ({ state }) => stream(state) } },
  [SUBSCRIPTIONS]: {
    GET: get(({ state }) =>
      resource.collection(
        SUBSCRIPTIONS,
        'EventDestination',
        state.events.list().map(({ id }) => `${SUBSCRIPTIONS}/${id}`),
      ),
    ),
    POST: act(subscribe, 'ConfigureManager'),
  },
  [`${SUBSCRIPTIONS}/{}`]: {
    GET: get(({ state, name }) => {
      const found = state.events.get(name);
      return found && resource.subscription(found);
    }),
    DELETE: {
      privilege: 'ConfigureManager',
      run: ({ state, name }) => (state.events.unsubscribe(name) ? done() : REFUSE.missing()),
    },
  },
  [TEST_EVENT]: { POST: act(testEvent, 'ConfigureManager') },

  ...partRoutes('Processors'),
  ...partRoutes('Memory'),
  ...partRoutes('Drives'),
  ...partRoutes('EthernetInterfaces'),
  [`${resource.SYSTEM}/Storage`]: list(`${resource.SYSTEM}/Storage`, 'Storage', [`${resource.SYSTEM}/Storage/1`]),
  [`${resource.SYSTEM}/Storage/1`]: { GET: get(({ state }) => storage(state)) },

  [`${ROOT}/Chassis`]: list(`${ROOT}/Chassis`, 'Chassis', [CHASSIS]),
  [CHASSIS]: { GET: get(({ state }) => resource.chassis(state)) },
  [`${CHASSIS}/Sensors`]: list(`${CHASSIS}/Sensors`, 'Sensor', resource.sensorPaths()),
  [`${CHASSIS}/Sensors/{}`]: { GET: get(({ state, path }) => resource.sensor(state, path)) },
  [`${CHASSIS}/Thermal`]: { GET: get(({ state }) => resource.old(state, 'Thermal')) },
  [`${CHASSIS}/Power`]: { GET: get(({ state }) => resource.old(state, 'Power')) },

  [`${ROOT}/Managers`]: list(`${ROOT}/Managers`, 'Manager', [MANAGER]),
  [MANAGER]: { GET: get(({ state }) => resource.manager(state)) },
  [`${MANAGER}/VirtualMedia`]: list(`${MANAGER}/VirtualMedia`, 'VirtualMedia', [MEDIA]),
  [`${MANAGER}/EthernetInterfaces`]: list(`${MANAGER}/EthernetInterfaces`, 'EthernetInterface', [INTERFACE]),
  [INTERFACE]: {
    GET: get(({ state }) => resource.networkInterface(state)),
    PATCH: act(change.patchNetwork, 'ConfigureManager'),
  },
  [MEDIA]: { GET: get(({ state }) => resource.media(state)) },
  [`${MEDIA}/Actions/VirtualMedia.InsertMedia`]: { POST: act(change.insertMedia, 'ConfigureManager') },
  [`${MEDIA}/Actions/VirtualMedia.EjectMedia`]: { POST: act(change.ejectMedia, 'ConfigureManager') },
};

/** The route of a path and the name in it. */
export function routeOf(path: string): { route: Route; name: string } | undefined {
  const exact = ROUTES[path];
  if (exact) return { route: exact, name: '' };
  const slash = path.lastIndexOf('/');
  const open = ROUTES[`${path.slice(0, slash)}/{}`];
  return open && { route: open, name: path.slice(slash + 1) };
}
