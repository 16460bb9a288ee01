// BMCs that cannot be told from what they say, only from who they are.
//
// What can be noticed while talking (see ../README.md) is dealt with for every BMC alike and does not belong here.
import type { DeviceId } from './wire/device.ts';

export interface Quirks {
  /** Never sets the valid bit of the boot flags: a device in them is meant as it stands. */
  readonly bootFlagsWithoutValidBit: boolean;
}

interface Quirk {
  readonly who: string;
  readonly applies: (device: DeviceId) => boolean;
  readonly quirks: Partial<Quirks>;
}

const TABLE: readonly Quirk[] = [
  {
    who: "OpenIPMI's ipmi_sim, as its sample configuration and most others name it",
    applies: ({ manufacturerId, productId }) => manufacturerId === 0x1291 && productId === 0x0f02,
    quirks: { bootFlagsWithoutValidBit: true },
  },
];

export function quirksOf(device: DeviceId): Quirks {
  const found = TABLE.filter(({ applies }) => applies(device)).map(({ quirks }) => quirks);
  return Object.assign({ bootFlagsWithoutValidBit: false }, ...found) as Quirks;
}
