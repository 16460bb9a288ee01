// The wire between the operator and what runs on a machine: the agent in the live OS, and the installed system.
//
// HTTPS, JSON, the certificate pinned by its SHA-256 fingerprint. Both sides are level-triggered: the agent repeats its
// whole state in every report, so that an operator that was just restarted knows from the next report where the machine
// stands. The operator acknowledges nothing before it has written it down in the Device's status.
//
//   GET  /boot/v1/{mac}         plain HTTP, iPXE script; 404 unless an operation of the device waits for a network boot;
//                               one that asks again while the operator does not know yet
//                               a script that leads to the next one where there is no such device
//   GET  /media/v1/{mac}/{key}.iso   plain HTTP, the live OS as a disc for exactly one boot, which the key is of; 404 after that
//   GET  /images/v1/{name}/{sha256}  plain HTTP, an image that an operation under way writes, where the operator has a cache
//   GET  /discovery/v1/{mac}    plain HTTP, what the machine says of itself as query; 200
//   POST /agent/v1/session      SessionRequest → 201 SessionGrant
//   POST /agent/v1/report       Report → 200 Orders                 Authorization: Bearer <session>
//   POST /agent/v1/log          text/plain, ≤ 1 MiB → 204           Authorization: Bearer <session>
//   POST /system/v1/report      SystemReport → 204                  Authorization: Bearer <system token from the seed>
//
// Refusals are {code, message}: 401 the token or session is not valid (any more): stop, do not retry; 409 the report is of
// a task that is no longer wanted: drop it and report again without; 503 with Retry-After: come back later.

import type { Mount, PartitionWish } from './volumes/partitions.ts';
import type { ArrayLevel } from './volumes/raid.ts';
import type { SystemPartition } from './volumes/system-partitions.ts';

/** The kernel arguments by which the live OS learns of its operator; the simulated machine reads the same. */
export const KERNEL_ARGUMENTS = {
  url: 'bmp.url',
  fingerprint: 'bmp.fingerprint',
  token: 'bmp.token',
  /** CIDR, and the router's address: where the live OS shall not ask DHCP. */
  address: 'bmp.address',
  gateway: 'bmp.gateway',
} as const;

export interface DiskFacts {
  /** Kernel name without /dev/: sda, nvme0n1. Only for people: it may change from boot to boot. */
  readonly name: string;
  readonly serialNumber: string;
  readonly wwn?: string;
  readonly model: string;
  /** SCSI host:channel:target:lun. */
  readonly hctl?: string;
  readonly sizeBytes: number;
  readonly rotational: boolean;
  readonly transport: 'sata' | 'sas' | 'nvme' | 'virtio';
  /** Serial number of the RAID controller that keeps it for itself: the operating system sees only what that makes of it. */
  readonly controller?: string;
  /** That controller says that it has failed: nothing is made of it. */
  readonly failed?: boolean;
}

/** A RAID controller. */
export interface ControllerFacts {
  /** PCI address: 0000:03:00.0. */
  readonly name: string;
  readonly model: string;
  readonly serialNumber?: string;
  readonly firmware?: string;
  /** The program that it is driven with. */
  readonly tool?: string;
  /** Why it is not driven, and its disks are not known but for what it makes of them. */
  readonly problem?: string;
}

export interface NicFacts {
  readonly name: string;
  readonly macAddress: string;
  readonly speedMbps: number;
  readonly linkUp: boolean;
  readonly lldp?: { readonly switchName: string; readonly port: string };
}

export interface MemoryModuleFacts {
  readonly slot: string;
  readonly sizeBytes: number;
  readonly type: string;
  readonly speedMTs: number;
}

/** What identifies a machine; nothing is written to one whose identity is not the Device's. */
export interface MachineIdentity {
  readonly serialNumber: string;
  readonly macAddresses: readonly string[];
}

export interface Inventory extends MachineIdentity {
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly architecture: 'x86_64' | 'aarch64';
  readonly bootMode: 'BIOS' | 'UEFI';
  readonly cpu: { readonly model: string; readonly sockets: number; readonly cores: number; readonly threads: number };
  readonly memory: { readonly totalBytes: number; readonly modules: readonly MemoryModuleFacts[] };
  readonly disks: readonly DiskFacts[];
  readonly controllers?: readonly ControllerFacts[];
  readonly nics: readonly NicFacts[];
  readonly gpus: readonly { readonly model: string; readonly memoryBytes: number }[];
  readonly bmc?: { readonly address: string; readonly macAddress: string };
}

export interface SessionRequest {
  readonly token: string;
  /** Random, made once per boot of the agent: the same nonce may ask again for a grant whose answer was lost. */
  readonly nonce: string;
  readonly agentVersion: string;
  readonly identity: MachineIdentity;
  /** What could be written to, as this boot sees it; the operator picks from these. */
  readonly disks: readonly DiskFacts[];
}

export interface SessionGrant {
  readonly session: string;
  readonly device: string;
  readonly operationId: string;
  /** RFC 3339. The operation's deadline; the session ends with it. */
  readonly expiresAt: string;
}

/** A file of a NoCloud seed by its name: meta-data, user-data, network-config, vendor-data. */
export type SeedFiles = Readonly<Record<string, string>>;

interface TaskBase {
  /** `${operationId}/${step}/${attempt}`: a result under any other id is refused. */
  readonly id: string;
}
export interface CollectTask extends TaskBase {
  readonly kind: 'collect';
}
/** An array of whole disks. */
export interface ArrayOrder {
  /**
   * What tells it from all others: 32 hex digits, and 12 where a controller makes it, whose names are short. Written where
   * a disk's serial number may stand.
   */
  readonly id: string;
  /** Of its volume; for people. */
  readonly name: string;
  /** Serial number of the RAID controller that its disks hang on, and that makes it; Linux does where none is given. */
  readonly controller?: string;
  /** A controller makes a RAID0 of a single disk, too: it gives no disk but as an array. */
  readonly level: ArrayLevel;
  /** Serial numbers, in the array's order. */
  readonly disks: readonly string[];
  /** The firmware boots from it: what it holds has to be where the firmware looks. */
  readonly boots: boolean;
  /** It holds something: it must be there, and is not made anew. */
  readonly keep: boolean;
}
export interface ConfigureRaidTask extends TaskBase {
  readonly kind: 'configure-raid';
  /** Disks that are in none of them, and arrays of such disks, are not touched. */
  readonly arrays: readonly ArrayOrder[];
}
export interface PrepareVolumesTask extends TaskBase {
  readonly kind: 'prepare-volumes';
  /** Where the installed system is. */
  readonly diskSerialNumber: string;
  /** To be formatted: what they hold is lost. Volumes that are not named are not touched. */
  readonly volumes: readonly {
    readonly name: string;
    readonly diskSerialNumber: string;
    readonly partitions: readonly PartitionWish[];
  }[];
  /** For the system's fstab; of volumes that are kept as well. */
  readonly mounts: readonly Mount[];
}
export interface WriteImageTask extends TaskBase {
  readonly kind: 'write-image';
  /** Of a disk, or the id of an array; so in all tasks. */
  readonly diskSerialNumber: string;
  readonly image: {
    readonly url: string;
    /** Of the file as downloaded, hex. */
    readonly sha256: string;
    readonly format: 'raw' | 'qcow2' | 'tar';
    readonly compression: 'none' | 'gzip' | 'zstd' | 'xz';
    /** Of a tar, which it needs. */
    readonly system?: SystemOrder;
  };
}
/** What makes a tar a system that boots. */
export interface SystemOrder {
  readonly partitions: readonly SystemPartition[];
  readonly kernelArguments: string;
}
export interface WriteSeedTask extends TaskBase {
  readonly kind: 'write-seed';
  readonly diskSerialNumber: string;
  readonly files: SeedFiles;
}
export interface SetPasswordTask extends TaskBase {
  readonly kind: 'set-password';
  readonly diskSerialNumber: string;
  readonly user: string;
  /** crypt(5) hash: the password itself never leaves the operator. */
  readonly passwordHash: string;
}
export interface WipeTask extends TaskBase {
  readonly kind: 'wipe';
  /** Every disk to wipe, by serial number; a disk that is not named is not touched. Arrays that they are in are taken apart. */
  readonly diskSerialNumbers: readonly string[];
}
export type Task =
  | CollectTask
  | ConfigureRaidTask
  | WriteImageTask
  | PrepareVolumesTask
  | WriteSeedTask
  | SetPasswordTask
  | WipeTask;
export type TaskKind = Task['kind'];

export type WipeMethod = 'nvme-sanitize' | 'nvme-format' | 'ata-secure-erase' | 'overwrite';

export interface WipeRecord {
  readonly serialNumber: string;
  readonly method: WipeMethod;
  /** As many as could be written to: of a disk behind a RAID controller, less than it has, by what that keeps for itself. */
  readonly bytes: number;
  /** How many places were read back and found empty. */
  readonly samplesVerified: number;
  /** What was tried before, said that it was done, and had left data. */
  readonly unverified?: readonly WipeMethod[];
}

/** An array as it is. */
export interface ArrayFacts {
  readonly id: string;
  /** Serial number of the RAID controller that makes it. */
  readonly controller?: string;
  readonly level: ArrayLevel | 'other';
  /** Serial numbers of the disks that are there. */
  readonly disks: readonly string[];
  /** 0 while it does not run. */
  readonly sizeBytes: number;
  /** `degraded`: it lacks a disk; `failed`: it cannot be read. */
  readonly state: 'whole' | 'degraded' | 'failed';
}

export interface TaskResults {
  collect: Inventory;
  /** In the order of the task. */
  'configure-raid': { readonly arrays: readonly ArrayFacts[] };
  /** bytes and sha256 of what was written, as read back from the disk; of a tar, whose files were read back, of itself unpacked. */
  'write-image': { readonly diskSerialNumber: string; readonly bytes: number; readonly sha256: string };
  /** What was made of each volume that was named. */
  'prepare-volumes': {
    readonly volumes: readonly { readonly name: string; readonly partitions: readonly Mount[] }[];
  };
  'write-seed': { readonly diskSerialNumber: string };
  'set-password': { readonly diskSerialNumber: string; readonly user: string };
  wipe: { readonly disks: readonly WipeRecord[] };
}

export interface TaskError {
  /** `permanent` errors are not tried again until something changes: a digest that does not match, a disk that is missing. */
  readonly class: 'transient' | 'permanent';
  readonly code: TaskErrorCode;
  readonly message: string;
}
export type TaskErrorCode =
  | 'ImageUnavailable'
  | 'ImageDigestMismatch'
  | 'ImageTooLarge'
  | 'UnsupportedImage'
  | 'DiskMissing'
  | 'DiskFailed'
  | 'DiskReadOnly'
  | 'ReadBackMismatch'
  | 'WipeNotVerified'
  | 'ArrayForeign'
  | 'ArrayMissing'
  | 'ArrayDegraded'
  | 'ArrayRefused'
  | 'ControllerNotDriven'
  | 'BadVolumes'
  | 'NoSystem'
  | 'AgentFailed';

export interface TaskState {
  readonly id: string;
  readonly kind: TaskKind;
  readonly state: 'running' | 'succeeded' | 'failed';
  /** 0 to 100. */
  readonly percent: number;
  readonly result?: TaskResults[TaskKind];
  readonly error?: TaskError;
}

/** The agent's whole state. `task` stays in every report until Orders carry another task or none. */
export interface Report {
  readonly task?: TaskState;
}

export interface Orders {
  /** The task to be at. The same id again: carry on. None: stop what is under way and wait. */
  readonly task?: Task;
  /** How long to wait before the next report, in milliseconds; at once when the state of the task changes. */
  readonly reportAfterMs: number;
}

/** What the installed system says of itself at every boot. */
export interface SystemReport {
  /** uid of the Instance in the seed. */
  readonly instanceUID: string;
  /** Another at every boot (Linux: /proc/sys/kernel/random/boot_id). */
  readonly bootID: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
}

/** How the installed system reports in: in the seed's meta-data, where lib/boot/seed.ts puts and finds it. */
export interface SeedReport {
  readonly url: string;
  /** SHA-256 of the certificate (DER), 64 lower-case hex digits. */
  readonly fingerprint: string;
  readonly token: string;
  readonly instanceUID: string;
}
