// Power that is other than an Instance wants although it was as wanted before: somebody pressed a button, or the mains failed.
//
// By default it is set right. Where spec.powerDrift is Report it is left so, until another power is wanted or a restart is
// asked for: then people decide, by what they are told.
import type { Device, Instance } from './generated.ts';

type Handled = NonNullable<Device['status']>['handled'];
type Power = 'On' | 'Off' | 'Unknown';

export const wantedPower = ({ spec }: Instance): 'On' | 'Off' => spec.power ?? 'On';

/** Whether the machine has come to what is wanted, and that is still to be noted. `power`: as the BMC says. */
export function isArrival(instance: Instance, handled: Handled, power: Power | undefined): boolean {
  const wanted = wantedPower(instance);
  return instance.spec.powerDrift === 'Report' && power === wanted && handled?.power !== wanted;
}

/** Whether it is otherwise now, and is left so. */
export function isDriftLeft(instance: Instance, handled: Handled, power: Power | undefined): boolean {
  const wanted = wantedPower(instance);
  const hasArrived = handled?.instanceUID === instance.metadata.uid && handled?.power === wanted;
  return instance.spec.powerDrift === 'Report' && hasArrived && power === (wanted === 'On' ? 'Off' : 'On');
}
