// One round: gives up claims that are over, then serves the Instances that wait for a device, one after the other.
//
// A round looks at everything and relies on no memory: what one leaves undone, the next one finds. What goes wrong with one
// Instance or Device holds up no other.
import type { Caches } from '../../lib/api/caches.ts';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { writeStatus } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { found } from '../../lib/kube/errors.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { objectKey } from '../../lib/kube/resource.ts';
import type { Log } from '../../lib/observe/log.ts';
import { type Clock, timestamp } from '../../lib/runtime/clock.ts';
import type { Result } from '../../lib/runtime/reconcile.ts';
import { holderOf } from '../../lib/scheduler/kubernetes/allowance.ts';
import type { Configured } from '../../lib/scheduler/kubernetes/configuration-file.ts';
import { profilesFor } from '../../lib/scheduler/kubernetes/device-profile.ts';
import { type DeviceFacts, Fleet } from '../../lib/scheduler/kubernetes/devices.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { attempts, type Outcome } from './attempts.ts';
import {
  claim,
  isClaimedBy,
  isOrphaned,
  isReleased,
  isUntouched,
  passOver,
  release,
  type Selection,
  type Standing,
  select,
  selectionOf,
  settle,
  standingOf,
} from './claims.ts';
import { DeviceQuotas, type View } from './quotas.ts';
import { inFairTurn, mayClaim } from './turns.ts';
import { decide, isNews, messageOf, type Verdict, withVerdict } from './verdict.ts';

type ClaimCaches = Pick<Caches, 'instances' | 'devices' | 'inventories' | 'types' | 'sites' | 'images' | 'quotas'>;

export interface RoundDeps {
  readonly client: KubeClient;
  readonly caches: ClaimCaches;
  readonly events: EventRecorder;
  readonly log: Log;
  readonly clock: Clock;
  readonly configured: Configured;
}

/** Gives the function that runs one round. Never run two at once. */
export function createRounds({
  client,
  caches,
  events,
  log,
  clock,
  configured,
}: RoundDeps): (signal: AbortSignal) => Promise<Result> {
  // Kept for speed alone: brought up to date from the caches at the start of each round.
  const fleet = new Fleet();
  /** Devices that this round tried to claim and could not, as somebody else wrote first. */
  const contested = new Set<string>();
  /** Instances, as the cache has them, whose selection is known to have ended. It never comes back. */
  const ended = new WeakSet<Instance>();
  let profiles = profilesFor(configured.current());
  const scheduler = new Scheduler(fleet.table, profiles);

  const limits = new DeviceQuotas(client, caches.quotas, () => timestamp(clock.now()));

  /** Rejects with one of the errors that another try may mend, after everything was tried. */
  async function round(signal: AbortSignal): Promise<Result> {
    const trying = attempts(log, clock, signal);
    const latest = profilesFor(configured.current());
    if (latest !== profiles) scheduler.setProfiles(latest);
    profiles = latest;
    fleet.update(facts(caches));
    const claims = Map.groupBy(fleet.claimed(), (device) => device.spec.claimRef!.uid);
    for (const devices of claims.values()) {
      for (const device of devices) await trying.make(device, () => releaseIfOver(device, devices, signal));
    }
    await limits.begin(caches.quotas.values(), viewOf(claims), trying, signal);
    contested.clear();
    const refused: { instance: Instance; verdict: Verdict }[] = [];
    const waiting: Instance[] = [];
    for (const instance of caches.instances.values()) {
      const devices = claims.get(instance.metadata.uid!);
      if (!mayClaim(instance)) continue;
      if (devices) await trying.make(instance, () => confirm(instance, devices, signal));
      else waiting.push(instance);
    }
    for (const instance of inFairTurn(waiting, heldBy(claims), caches.devices.size)) {
      await trying.make(instance, async () => {
        const verdict = await serve(instance, signal);
        if (verdict !== 'again' && verdict.reason !== 'Claimed') refused.push({ instance, verdict });
        return verdict === 'again' ? 'again' : 'settled';
      });
    }
    // Where somebody was about to get a device and did not, only the next round knows what is left for the others.
    for (const { instance, verdict } of contested.size === 0 ? refused : []) {
      await trying.make(instance, () => tell(instance, verdict, signal));
    }
    return trying.result();
  }

  function viewOf(claims: ReadonlyMap<string, readonly Device[]>): View {
    const claimed = Map.groupBy(fleet.claimed(), ({ spec }) => spec.claimRef!.namespace);
    return {
      devicesOf: (uid) => claims.get(uid),
      claimedIn: (namespace) => claimed.get(namespace) ?? [],
      isOpen(namespace, claim, selection) {
        const instance = caches.instances.get(`${namespace}/${claim.name}`);
        return (
          instance?.metadata.uid === holderOf(claim) &&
          mayClaim(instance) &&
          isSame(selectionOf(instance), selection) &&
          fleet.device(selection.device)?.metadata.resourceVersion === selection.resourceVersion
        );
      },
    };
  }

  async function releaseIfOver(device: Device, sameInstance: readonly Device[], signal: AbortSignal): Promise<Outcome> {
    const why = await reasonToRelease(device, sameInstance, signal);
    if (why === undefined) return 'settled';
    await release(client, device, { signal });
    const { namespace, name } = device.spec.claimRef!;
    log.info({ device: device.metadata.name, instance: `${namespace}/${name}`, why }, 'claim released');
    events.event(device, 'Normal', 'Released', `no longer claimed by ${namespace}/${name}: ${why}`);
    return 'settled';
  }

  async function reasonToRelease(
    device: Device,
    sameInstance: readonly Device[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (isReleased(device)) return 'the device is done with it';
    const { kept, surplus } = settle(sameInstance);
    if (surplus.includes(device))
      return (await isStillClaimed(kept, signal)) ? `it has ${kept.metadata.name}` : undefined;
    const claimRef = device.spec.claimRef!;
    const instance = caches.instances.get(`${claimRef.namespace}/${claimRef.name}`);
    if (instance?.metadata.uid === claimRef.uid || !isUntouched(device)) return undefined;
    return (await isOrphaned(client, claimRef, { signal })) ? 'it is gone' : undefined;
  }

  async function isStillClaimed(device: Device, signal: AbortSignal): Promise<boolean> {
    const live = await found(client.get(DEVICES, device.metadata, { signal }));
    return live !== undefined && isClaimedBy(live, device.spec.claimRef?.uid);
  }

  async function confirm(instance: Instance, devices: readonly Device[], signal: AbortSignal): Promise<Outcome> {
    const { kept } = settle(devices);
    if (isReleased(kept)) return 'settled';
    return tell(instance, { reason: 'Claimed', device: kept.metadata.name }, signal);
  }

  /** Claims a device for the Instance, or says why there is none. */
  async function serve(instance: Instance, signal: AbortSignal): Promise<Verdict | 'again'> {
    const standing = await standingNow(instance, signal);
    if (standing.type === 'claimed' || standing.type === 'unclear') return 'again';
    const selected = standing.type === 'open' ? standing.device : undefined;
    const verdict = decideWithinQuotas(instance, selected?.metadata.name);
    if (verdict.reason === 'Claimed') {
      await take(instance, verdict.device, signal);
      return verdict;
    }
    if (!selected) return verdict;
    await passOver(client, instance.metadata.uid!, selected, { signal });
    return 'again';
  }

  /** Where quotas leave no room for the best device, one of another type is looked for. */
  function decideWithinQuotas(instance: Instance, selected: string | undefined): Verdict {
    const image = caches.images.get(instance.spec.image);
    let types = [...caches.types.values()];
    let excess: string | undefined;
    for (;;) {
      const verdict = decide(scheduler, instance, image, types, selected);
      if (verdict.reason !== 'Claimed')
        return excess === undefined ? verdict : { reason: 'QuotaExceeded', message: excess };
      const device = fleet.device(verdict.device)!;
      const refusal = limits.refusal(instance, device);
      if (refusal === undefined) return verdict;
      excess ??= refusal;
      types = types.filter(({ metadata }) => metadata.name !== device.spec.deviceType);
    }
  }

  async function standingNow(instance: Instance, signal: AbortSignal): Promise<Standing> {
    if (ended.has(instance)) return { type: 'none' };
    const standing = await standingOf(client, instance, (name) => fleet.device(name), { signal });
    if (standing.type === 'none') ended.add(instance);
    return standing;
  }

  async function take(instance: Instance, name: string, signal: AbortSignal): Promise<void> {
    // Also when it fails, nobody behind this one in the queue gets the device in this round.
    fleet.claim(name, instance.metadata.namespace!);
    contested.add(name);
    const device = fleet.device(name)!;
    const selected = await select(client, instance, device, { signal });
    await limits.enter(selected, device, signal);
    await claim(client, selected, device, { signal });
    contested.delete(name);
    log.info({ instance: objectKey(instance), device: name }, 'device claimed');
    await tell(selected, { reason: 'Claimed', device: name }, signal);
  }

  async function tell(instance: Instance, verdict: Verdict, signal: AbortSignal): Promise<Outcome> {
    const status = withVerdict(instance, verdict, timestamp(clock.now()));
    if (!status) return 'settled';
    await writeStatus(client, INSTANCES, instance, status, { signal });
    if (!isNews(instance, verdict)) return 'settled';
    if (verdict.reason === 'Claimed') events.event(instance, 'Normal', 'Scheduled', messageOf(verdict));
    else events.event(instance, 'Warning', 'FailedScheduling', messageOf(verdict));
    return 'settled';
  }

  return round;
}

/** How many devices each namespace has. */
function heldBy(claims: ReadonlyMap<string, readonly Device[]>): Map<string, number> {
  const held = new Map<string, number>();
  for (const device of [...claims.values()].flat()) {
    const { namespace } = device.spec.claimRef!;
    held.set(namespace, (held.get(namespace) ?? 0) + 1);
  }
  return held;
}

const isSame = (a: Selection | undefined, b: Selection): boolean =>
  a?.device === b.device && a.resourceVersion === b.resourceVersion;

function* facts({ devices, inventories, types, sites }: ClaimCaches): Generator<DeviceFacts> {
  for (const device of devices.values()) {
    const { deviceType, site } = device.spec;
    yield {
      device,
      inventory: inventories.get(device.metadata.name),
      type: deviceType === undefined ? undefined : types.get(deviceType),
      site: sites.get(site),
    };
  }
}
