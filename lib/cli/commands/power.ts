// `bmp power on|off`: the power state that an instance is to keep.
import type { Instance } from '../../api/generated.ts';
import { INSTANCES } from '../../api/resources.ts';
import { findCondition } from '../../runtime/conditions.ts';
import { changing } from '../change.ts';
import type { Verdict } from '../progress.ts';

const REACHED = { on: 'Running', off: 'Stopped' } as const;

export const power = changing({
  name: 'power',
  summary: 'turn instances on or off, and keep them so',
  about:
    'Sets spec.power. On means that the installed system reported in, off that the BMC said so: softly first, hard after a\n' +
    'grace time. What somebody else does to the power is set right, or only reported (spec.powerDrift: Report).',
  example: 'bmp power off web-1 web-2 --wait',
  resources: [INSTANCES],
  verbs: ['on', 'off'],
  change(_, __, verb) {
    const wanted = verb as keyof typeof REACHED;
    return {
      spec: { power: wanted === 'on' ? 'On' : 'Off' },
      told: `to be ${wanted}`,
      judge(object): Verdict {
        const { phase, conditions } = (object as Instance).status ?? {};
        if (phase === 'Failed')
          return { code: 1, message: `failed: ${findCondition(conditions, 'Ready')?.message ?? 'see bmp describe'}` };
        return phase === REACHED[wanted] ? { code: 0, message: phase } : undefined;
      },
    };
  },
});
