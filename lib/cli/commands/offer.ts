// `bmp put-away`, `take-down` and `maintenance`: whether a device is offered, and whether the operator may touch it.
import type { Device } from '../../api/generated.ts';
import { DEVICES } from '../../api/resources.ts';
import { findCondition } from '../../runtime/conditions.ts';
import { changing } from '../change.ts';
import { text } from '../command.ts';
import type { Seen, Verdict } from '../progress.ts';

/** True when the phase is one of these; an error that no retry will mend ends the waiting. */
function inPhase(object: Seen, phases: readonly string[]): Verdict {
  const { phase, error } = (object as Device).status ?? {};
  if (phase !== undefined && phases.includes(phase)) return { code: 0, message: phase };
  return error?.permanent ? { code: 1, message: `${error.code}: ${error.message}` } : undefined;
}

export const putAway = changing({
  name: 'put-away',
  summary: 'check devices against their type and offer them',
  about:
    'Sets spec.putAway: the hardware is held against the DeviceType, the BMC is checked, and Instances may have it then.',
  example: 'bmp put-away r1-01 --type gp.large --wait',
  resources: [DEVICES],
  options: { type: { type: 'string' } },
  optionsHelp: '  --type NAME            as this DeviceType (default: the one that it has)',
  change(_, values) {
    const deviceType = text(values, 'type');
    return {
      spec: { putAway: true, ...(deviceType !== undefined && { deviceType }) },
      told: 'to be put away',
      judge: (object) => inPhase(object, ['Available', 'InUse']),
    };
  },
});

export const takeDown = changing({
  name: 'take-down',
  summary: 'offer devices no more',
  about: 'Clears spec.putAway. An Instance that has the device keeps it.',
  example: 'bmp take-down r1-01 --wait',
  resources: [DEVICES],
  change: () => ({
    spec: { putAway: false },
    told: 'to be offered no more',
    judge: (object) => inPhase(object, ['Imported', 'Removed']),
  }),
});

export const maintenance = changing({
  name: 'maintenance',
  summary: 'keep the operator off devices, for people to work on them',
  about:
    'While on, the operator touches neither power, boot order nor disks of the device, and VMs on it move to other hosts as\n' +
    'far as their groups can miss them: --wait ends when none is left.',
  example: 'bmp maintenance on r1-01 --reason "fan 3 is loud"',
  resources: [DEVICES],
  verbs: ['on', 'off'],
  options: { reason: { type: 'string' } },
  optionsHelp: '  --reason TEXT          why, for other people',
  change(_, values, verb) {
    const enabled = verb === 'on';
    const reason = text(values, 'reason');
    return {
      spec: { maintenance: { enabled, reason: enabled ? (reason ?? null) : null } },
      told: `maintenance is to be ${verb}`,
      judge(object) {
        const { phase, conditions } = (object as Device).status ?? {};
        if ((phase === 'Maintenance') !== enabled || phase === undefined) return undefined;
        const drained = findCondition(conditions, 'Drained');
        if (enabled && drained?.status === 'False') return undefined;
        return { code: 0, message: drained ? `${phase}: ${drained.message}` : phase };
      },
    };
  },
});
