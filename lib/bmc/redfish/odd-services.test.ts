// Services that answer wrongly, slowly or strangely: each ends in a BmcError of the right kind, and in nothing else.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fails } from '../../sim/bmc/lab.ts';
import type { Driver } from '../driver.ts';
import type { BmcErrorCode } from '../errors.ts';
import { openDriver } from '../open.ts';

type Answers = Readonly<Record<string, unknown>>;
type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

const SYSTEM = '/redfish/v1/Systems/1';
const RESET = `${SYSTEM}/Actions/ComputerSystem.Reset`;

/** The least that is a service. */
const SERVICE: Answers = {
  '/redfish/v1/': { RedfishVersion: '1.0.0', Systems: { '@odata.id': '/redfish/v1/Systems' } },
  '/redfish/v1/Systems': { Members: [{ '@odata.id': SYSTEM }] },
  [SYSTEM]: { PowerState: 'On', Actions: { '#ComputerSystem.Reset': { target: RESET } } },
};

interface Service {
  readonly driver: Driver;
  readonly asked: string[];
}

/** Serves `answers` as JSON, after `first` had its say. A log-in gets a token. */
async function withService(
  answers: Answers,
  body: (service: Service) => Promise<void>,
  first: Handler = () => false,
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    if (first(request, response)) return;
    if (request.method === 'POST' && request.url?.endsWith('/Sessions')) {
      response.writeHead(201, { 'x-auth-token': 't', location: '/redfish/v1/SessionService/Sessions/1' }).end();
      return;
    }
    const json = answers[request.url ?? ''];
    if (request.method !== 'GET') response.writeHead(204).end();
    else if (json === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const address = `redfish+http://127.0.0.1:${port}`;
  const credentials = { username: 'admin', password: 'a-secret-word' };
  const driver = openDriver({ address, credentials }, { redfish: { busyPauses: [5, 5], closeMs: 200 } });
  try {
    await body({ driver, asked });
  } finally {
    await driver.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const within = () => AbortSignal.timeout(60_000);

const refuse =
  (status: number, id: string, message = ''): Handler =>
  (request, response) => {
    if (request.method === 'GET') return false;
    const error = { '@Message.ExtendedInfo': [{ MessageId: `Base.1.8.${id}`, Message: message }] };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    return true;
  };

test('a system that is simply on', async () => {
  await withService(SERVICE, async ({ driver }) => assert.is(await driver.power(within()), 'On'));
});

test('no JSON, a list, a number: the protocol is broken', async () => {
  for (const text of ['<html>', '[1,2]', '7', '{"a":']) {
    const odd: Handler = (request, response) => {
      if (request.url !== SYSTEM) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      return true;
    };
    await withService(SERVICE, async ({ driver }) => void (await fails(driver.power(within()), 'protocol')), odd);
  }
});

test('an answer without end is cut off', async () => {
  const endless: Handler = (request, response) => {
    if (request.url !== SYSTEM) return false;
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.on('drain', more);
    more();
    return true;
  };
  await withService(SERVICE, async ({ driver }) => void (await fails(driver.power(within()), 'protocol')), endless);
});

test('links that lead out of the service are not followed', async () => {
  for (const away of [
    'http://elsewhere.example/redfish/v1/Systems/1',
    '//elsewhere.example/x',
    '/etc/passwd',
    '/redfish/../x',
    7,
  ]) {
    const answers = { ...SERVICE, '/redfish/v1/Systems': { Members: [{ '@odata.id': away }] } };
    await withService(answers, async ({ driver }) => void (await fails(driver.power(within()), 'protocol')));
  }
});

test('several systems behind one BMC are not guessed between', async () => {
  const members = [{ '@odata.id': SYSTEM }, { '@odata.id': '/redfish/v1/Systems/2' }];
  const answers = { ...SERVICE, '/redfish/v1/Systems': { Members: members } };
  await withService(answers, async ({ driver }) => void (await fails(driver.power(within()), 'unsupported')));
});

test('a power state that is not known is not guessed', async () => {
  for (const state of [null, 'Unknown', 3]) {
    const answers = { ...SERVICE, [SYSTEM]: { PowerState: state } };
    await withService(answers, async ({ driver }) => void (await fails(driver.power(within()), 'busy')));
  }
});

test('messages say more than statuses', async () => {
  const cases: [number, string, BmcErrorCode][] = [
    [400, 'ActionNotSupported', 'unsupported'],
    [400, 'ServiceTemporarilyUnavailable', 'busy'],
    [403, 'InsufficientPrivilege', 'privilege'],
    [409, 'ResourceInUse', 'busy'],
    [500, 'InternalError', 'busy'],
    [400, 'Whatever', 'protocol'],
  ];
  for (const [status, id, code] of cases) {
    const whenResetting: Handler = (request, response) =>
      request.url === RESET && refuse(status, id)(request, response);
    await withService(
      SERVICE,
      async ({ driver }) => void (await fails(driver.setPower('reset', within()), code)),
      whenResetting,
    );
  }
});

test('what a refused log-in says is not repeated: it may hold the password', async () => {
  const talkative = refuse(400, 'PropertyValueFormatError', "The value 'a-secret-word' of Password is not acceptable.");
  await withService(
    SERVICE,
    async ({ driver }) => {
      const error = await fails(driver.power(within()), 'protocol');
      assert.not.match(String(error.stack), 'a-secret-word');
      assert.match(error.message, 'PropertyValueFormatError');
    },
    talkative,
  );
});

test('a service without sessions is spoken to with basic authentication', async () => {
  const headers: (string | undefined)[] = [];
  const sessionless: Handler = (request, response) => {
    headers.push(request.headers.authorization);
    if (request.method !== 'POST') return false;
    response.writeHead(405).end();
    return true;
  };
  await withService(
    SERVICE,
    async ({ driver }) => {
      assert.is(await driver.power(within()), 'On');
      assert.is(headers.at(-1), `Basic ${Buffer.from('admin:a-secret-word').toString('base64')}`);
    },
    sessionless,
  );
});

test('a busy service is asked again, and in the end believed', async () => {
  let refusals = 0;
  const busy =
    (most: number): Handler =>
    (request, response) => {
      if (request.url !== SYSTEM || refusals >= most) return false;
      refusals++;
      response.writeHead(503).end();
      return true;
    };
  await withService(SERVICE, async ({ driver }) => assert.is(await driver.power(within()), 'On'), busy(2));
  refusals = 0;
  await withService(SERVICE, async ({ driver }) => void (await fails(driver.power(within()), 'busy')), busy(99));
  assert.is(refusals, 3);
});

test('a change that somebody else got in before is tried once more, from the new state', async () => {
  let conflicts = 1;
  const contested: Handler = (request, response) => {
    if (request.method !== 'PATCH' || conflicts === 0) return false;
    conflicts--;
    response.writeHead(412).end();
    return true;
  };
  const answers = { ...SERVICE, [SYSTEM]: { PowerState: 'On', '@odata.etag': 'W/"1"', Boot: {} } };
  const options = { device: 'pxe', persistent: false, mode: 'UEFI' } as const;
  await withService(
    answers,
    async ({ driver, asked }) => {
      await driver.setBootDevice(options, within());
      assert.is(asked.filter((each) => each === `PATCH ${SYSTEM}`).length, 2);
    },
    contested,
  );
});

test('a connection that breaks is a timeout, and nobody there is unreachable', async () => {
  const broken: Handler = (request) => {
    if (request.url === SYSTEM) request.socket.destroy();
    return request.url === SYSTEM;
  };
  let address = '';
  await withService(
    SERVICE,
    async ({ driver }) => {
      const error = await fails(driver.power(within()), 'timeout');
      address = error.address;
    },
    broken,
  );
  const driver = openDriver({ address, credentials: { username: 'a', password: 'b' } });
  await fails(driver.power(within()), 'unreachable');
  await driver.close();
});

test('allowable values are looked up where the action points to, and kept to', async () => {
  const action = { target: RESET, '@Redfish.ActionInfo': `${SYSTEM}/ResetActionInfo` };
  const answers = {
    ...SERVICE,
    [SYSTEM]: { PowerState: 'On', Actions: { '#ComputerSystem.Reset': action } },
    [`${SYSTEM}/ResetActionInfo`]: { Parameters: [{ Name: 'ResetType', AllowableValues: ['ForceRestart'] }] },
  };
  await withService(answers, async ({ driver, asked }) => {
    await driver.setPower('cycle', within());
    assert.ok(asked.includes(`POST ${RESET}`));
    await fails(driver.setPower('soft', within()), 'unsupported');
  });
});

test('what is refused because it came to be so meanwhile is done; what is refused otherwise is not', async () => {
  const reset = { '#ComputerSystem.Reset': { target: RESET } };
  for (const [happens, isDone] of [
    ['Off', true],
    ['On', false],
  ] as const) {
    const system = { PowerState: 'On', Actions: reset };
    const service: Handler = (request, response) => {
      if (request.method !== 'POST' || request.url !== RESET) return false;
      system.PowerState = happens;
      response.writeHead(409).end();
      return true;
    };
    const body = async ({ driver }: Service) => {
      if (isDone) await driver.setPower('off', within());
      else await fails(driver.setPower('off', within()), 'busy');
      system.PowerState = 'On';
      await fails(driver.setPower('reset', within()), 'busy');
    };
    await withService({ ...SERVICE, [SYSTEM]: system }, body, service);
  }
});

test('an action that becomes a task has ended when that has, and failed when that did', async () => {
  const states = ['Running', 'Running', 'Completed', 'Running', 'Exception'];
  const task = '/redfish/v1/TaskService/Tasks/1';
  const service: Handler = (request, response) => {
    if (request.method === 'POST' && request.url === RESET) {
      response.writeHead(202, { location: `http://elsewhere${task}`, 'retry-after': '0' }).end();
      return true;
    }
    if (request.url !== task) return false;
    const body = JSON.stringify({ TaskState: states.shift() });
    response.writeHead(200, { 'content-type': 'application/json', 'retry-after': '0.01' }).end(body);
    return true;
  };
  const body = async ({ driver, asked }: Service) => {
    await driver.setPower('reset', within());
    assert.is(asked.filter((line) => line === `GET ${task}`).length, 3);
    await fails(driver.setPower('reset', within()), 'protocol');
  };
  await withService(SERVICE, body, service);
});

test('sensors of an older service come from Thermal and Power', async () => {
  const chassis = '/redfish/v1/Chassis/1';
  const answers = {
    ...SERVICE,
    [SYSTEM]: { PowerState: 'On', Links: { Chassis: [{ '@odata.id': chassis }] } },
    [chassis]: { Thermal: { '@odata.id': `${chassis}/Thermal` }, Power: { '@odata.id': `${chassis}/Power` } },
    [`${chassis}/Thermal`]: {
      Temperatures: [
        { MemberId: '0', Name: 'CPU', ReadingCelsius: 51, UpperThresholdCritical: 95, Status: { Health: 'OK' } },
      ],
      Fans: [{ FanName: 'Fan 1', Reading: 30, ReadingUnits: 'Percent', Status: { State: 'Absent' } }],
    },
    [`${chassis}/Power`]: { PowerControl: [{ Name: 'Server', PowerConsumedWatts: 212 }] },
  };
  await withService(answers, async ({ driver }) => {
    const readings = await driver.sensors(within());
    assert.equal(
      readings.map(({ name, type, value, unit, health }) => [name, type, value, unit, health]),
      [
        ['CPU', 'Temperature', 51, 'degrees C', 'ok'],
        ['Fan 1', 'Fan', 30, 'percent', 'unknown'],
        ['Server', 'Power', 212, 'Watts', 'unknown'],
      ],
    );
    assert.equal(readings[0]?.thresholds, { upperCritical: 95 });
  });
});

test('the vendor decides which of several logs is the hardware log, and pages are followed', async () => {
  const logs = `${SYSTEM}/LogServices`;
  const answers = {
    ...SERVICE,
    '/redfish/v1/': { ...(SERVICE['/redfish/v1/'] as object), Vendor: 'HPE' },
    [SYSTEM]: { PowerState: 'On', LogServices: { '@odata.id': logs } },
    [logs]: { Members: [{ '@odata.id': `${logs}/SL/` }, { '@odata.id': `${logs}/IML/` }] },
    [`${logs}/IML/`]: { Entries: { '@odata.id': `${logs}/IML/Entries` } },
    [`${logs}/IML/Entries`]: {
      Members: [{ Id: '2', Created: '2026-01-02T00:00:00Z', Severity: 'Critical', Message: 'late', Name: 'Log Entry' }],
      'Members@odata.nextLink': `${logs}/IML/Entries?page=2`,
    },
    [`${logs}/IML/Entries?page=2`]: { Members: [{ '@odata.id': `${logs}/IML/Entries/1` }] },
    [`${logs}/IML/Entries/1`]: { Id: '1', Created: '2026-01-01T00:00:00Z', Severity: 'OK', Message: 'early' },
  };
  await withService(answers, async ({ driver }) => {
    const log = await driver.eventLog(within());
    assert.equal(
      log.map(({ message, severity }) => [message, severity]),
      [
        ['early', 'ok'],
        ['late', 'critical'],
      ],
    );
  });
});

test.run();
