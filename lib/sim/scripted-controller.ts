// A Device controller for tests, of one device and as small as it can be: its status is plain data, its reconcile answers
// the mailbox by it, and restart() is a new process: another mailbox and another server, the same status, keys and ports.
import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Log } from '../observe/log.ts';
import { type SessionKey, sameSession } from '../provision/api/backend.ts';
import { type Certificate, createCertificate } from '../provision/api/certificate.ts';
import { Mailbox } from '../provision/api/mailbox.ts';
import { type ProvisionApi, startProvisionApi } from '../provision/api/server.ts';
import { systemToken } from '../provision/api/tokens.ts';
import type { SeedReport, SystemReport, Task, TaskState } from '../provision/protocol.ts';

export interface ScriptedDevice {
  readonly name: string;
  readonly serialNumber: string;
  readonly bootMACAddress: string;
}

/** What a controller would have written to the API server: it survives restart(). */
export interface ScriptedStatus {
  operationId: string;
  boot: number;
  waitsForBoot: boolean;
  nonceHash?: string;
  /** In order; the first that has not ended is what the agent shall be at. */
  tasks: Task[];
  ended: TaskState[];
  refused: string[];
  systems: SystemReport[];
}

export class ScriptedController {
  readonly deviceUID = randomUUID();
  readonly instanceUID = randomUUID();
  readonly logs: string[] = [];
  readonly status: ScriptedStatus = {
    operationId: 'op-0',
    boot: 0,
    waitsForBoot: false,
    tasks: [],
    ended: [],
    refused: [],
    systems: [],
  };
  /** Undefined while the operator is down. */
  api: ProvisionApi | undefined;
  mailbox: Mailbox;
  reportAfterMs = 20;
  readonly #device: ScriptedDevice;
  readonly #log: Log;
  readonly #key = randomBytes(32);
  readonly #changes = new EventEmitter();
  #tls: Certificate | undefined;
  #ports = { port: 0, bootPort: 0 };

  constructor(device: ScriptedDevice, log: Log) {
    this.#device = device;
    this.#log = log;
    this.mailbox = this.#freshMailbox();
    this.#changes.setMaxListeners(0);
  }

  async start(): Promise<ProvisionApi> {
    this.#tls ??= await createCertificate(['127.0.0.1'], new Date());
    this.mailbox = this.#freshMailbox();
    const { mailbox: backend } = this;
    const options = { host: '127.0.0.1', tls: this.#tls, key: this.#key, backend, log: this.#log, holdMs: 2000 };
    const api = await startProvisionApi({ ...options, ...this.#ports });
    this.#ports = { port: Number(new URL(api.url).port), bootPort: Number(new URL(api.bootUrl).port) };
    this.api = api;
    return api;
  }

  async stop(): Promise<void> {
    const { api } = this;
    this.api = undefined;
    await api?.close();
  }

  /** The next boot, of this operation or of another. */
  expectBoot(operationId: string, tasks: Task[]): void {
    const { status } = this;
    status.boot = operationId === status.operationId ? status.boot + 1 : 1;
    Object.assign(status, { operationId, waitsForBoot: true, tasks, ended: [] });
    delete status.nonceHash;
    this.reconcile();
  }

  /** What a seed says of reporting in. */
  seedReport(): SeedReport {
    if (!this.api) throw new Error('the API is not up');
    const { url, fingerprint } = this.api;
    const { deviceUID, instanceUID } = this;
    const token = systemToken(this.#key, { device: this.#device.name, deviceUID, instanceUID });
    return { url, fingerprint, token, instanceUID };
  }

  /** Resolves when it holds, looked at after each change. */
  async until(holds: (status: ScriptedStatus) => boolean): Promise<void> {
    while (!holds(this.status)) await once(this.#changes, 'change');
  }

  reconcile(): void {
    const { mailbox, status } = this;
    const { name, serialNumber } = this.#device;
    const { opening, report, system } = mailbox.get(name);
    if (opening) {
      const why = this.#refusal(opening, opening.identity.serialNumber, serialNumber);
      if (why === undefined) {
        status.nonceHash = opening.nonceHash;
        status.waitsForBoot = false;
        mailbox.grantSession(name, opening, new Date(Date.now() + 600_000).toISOString());
      } else {
        status.refused.push(why);
        mailbox.refuseSession(name, opening, why);
      }
    }
    const session = this.#session();
    if (session) {
      const wanted = status.tasks[status.ended.length];
      const task = report && sameSession(report.session, session) ? report.report.task : undefined;
      if (task && task.id === wanted?.id && task.state !== 'running') status.ended.push(task);
      const next = status.tasks[status.ended.length];
      mailbox.setOrders(name, session, { reportAfterMs: this.reportAfterMs, ...(next && { task: next }) });
    } else {
      mailbox.endSession(name);
    }
    if (system) {
      if (!status.systems.some(({ bootID }) => bootID === system.report.bootID)) status.systems.push(system.report);
      mailbox.ackSystem(name, system.report.bootID);
    }
    this.#changes.emit('change');
  }

  #refusal(asked: SessionKey, serialNumber: string, expected: string): string | undefined {
    const { operationId, boot, nonceHash } = this.status;
    if (asked.operationId !== operationId || asked.boot !== boot) return 'another boot is wanted by now';
    if (nonceHash !== undefined && nonceHash !== asked.nonceHash) return 'the token was used';
    return serialNumber === expected ? undefined : `serial number ${serialNumber}, not ${expected}`;
  }

  #session(): SessionKey | undefined {
    const { operationId, boot, nonceHash } = this.status;
    return nonceHash === undefined ? undefined : { deviceUID: this.deviceUID, operationId, boot, nonceHash };
  }

  #freshMailbox(): Mailbox {
    const { name: device, bootMACAddress } = this.#device;
    const { deviceUID } = this;
    const mailbox: Mailbox = new Mailbox({
      boot: (mac) => {
        const { operationId, boot, waitsForBoot } = this.status;
        if (mac !== bootMACAddress || !waitsForBoot) return undefined;
        const urls = { kernelUrl: 'http://192.0.2.1/vmlinuz', initrdUrl: 'http://192.0.2.1/initrd' };
        return { device, deviceUID, operationId, boot, ...urls };
      },
      // Not within the call that brought the change, as no workqueue would.
      onChange: () => setImmediate(() => this.mailbox === mailbox && this.reconcile()),
      agentLog: (_session, text) => this.logs.push(text),
      now: Date.now,
    });
    return mailbox;
  }
}
