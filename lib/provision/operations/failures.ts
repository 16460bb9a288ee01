// Everything that can stop an operation: what it means, whether trying again by itself can help, and what to do.
//
// A permanent failure waits until something that the operation goes by changes, or until resetStatus is asked for.
// A transient one is tried again, later each time.

interface Meaning {
  readonly permanent: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

export const FAILURES = {
  BMCUnreachable: {
    permanent: false,
    meaning: 'Nothing answers at the BMC address.',
    remedy: 'Check the address in spec.bmc.address, the cable and the BMC itself.',
  },
  BMCTimeout: { permanent: false, meaning: 'The BMC did not answer in time.', remedy: 'Nothing, unless it persists.' },
  BMCBusy: { permanent: false, meaning: 'The BMC has no free session.', remedy: 'Close other sessions on the BMC.' },
  BMCProtocolError: {
    permanent: false,
    meaning: 'The BMC sent something that breaks the protocol or fails its integrity check.',
    remedy: 'Update its firmware, if it persists.',
  },
  BMCUnsupported: {
    permanent: true,
    meaning: 'The BMC does not know a request that the operation needs.',
    remedy: 'Update its firmware, or use another driver.',
  },
  BadCredentials: {
    permanent: true,
    meaning:
      'The BMC refused the username or the password. They are not tried again, so that it does not lock the account.',
    remedy: 'Correct the Secret that spec.bmc.credentialsRef names.',
  },
  InsufficientPrivilege: {
    permanent: true,
    meaning: 'The account may not control the machine.',
    remedy: 'Give it administrator privilege on the BMC.',
  },
  CredentialsMissing: {
    permanent: true,
    meaning: "There is no Secret with username and password in the operator's namespace.",
    remedy: 'Create it, or name another one in spec.bmc.credentialsRef.',
  },
  BadAddress: { permanent: true, meaning: 'The BMC address cannot be used.', remedy: 'Correct spec.bmc.address.' },
  PowerStuck: {
    permanent: false,
    meaning: 'The BMC accepts power commands, but the power does not change.',
    remedy: 'Look at the machine.',
  },
  BootTimeout: {
    permanent: false,
    meaning: 'The live OS did not report in after the machine was booted from the network.',
    remedy: 'Check that bootMACAddress is the interface that boots, and its network.',
  },
  DHCPUnavailable: {
    permanent: false,
    meaning: "The operator's DHCP server does not take up the machine.",
    remedy: "Look at the DHCP server's log, and at the networks of the Site that machines boot from.",
  },
  AgentLost: {
    permanent: false,
    meaning: 'The agent in the live OS went silent.',
    remedy: 'Nothing, unless it persists: the machine is booted anew.',
  },
  StepTimeout: { permanent: false, meaning: 'A step took longer than it may.', remedy: 'Look at its message.' },
  SystemTimeout: {
    permanent: false,
    meaning: 'The installed system did not report in after the machine was started.',
    remedy: 'Check that the image boots on this machine, and look at its console.',
  },
  IdentityMismatch: {
    permanent: true,
    meaning: 'The machine that booted is not the one that the Device describes. Nothing was written to it.',
    remedy: 'Correct serialNumber or bootMACAddress by making the Device anew, or correct the cabling.',
  },
  RootDiskNotFound: {
    permanent: true,
    meaning: 'No disk matches the root device hints.',
    remedy: 'Correct rootDeviceHints of the Device or its DeviceType.',
  },
  RootDiskAmbiguous: {
    permanent: true,
    meaning: 'Several disks match the root device hints, and none of them is picked by guessing.',
    remedy: 'Make rootDeviceHints name exactly one disk.',
  },
  HardwareMismatch: {
    permanent: true,
    meaning: 'The hardware is not what the DeviceType asks for.',
    remedy: 'Mend the machine and collect it again, or give it another type.',
  },
  DeviceTypeNotFound: {
    permanent: true,
    meaning: 'The DeviceType does not exist.',
    remedy: 'Create it, or correct spec.deviceType.',
  },
  ImageNotFound: { permanent: true, meaning: 'The Image does not exist.', remedy: 'Create it, or correct spec.image.' },
  ImageNotAllowed: {
    permanent: true,
    meaning: 'The Image does not fit the machine or its DeviceType.',
    remedy: 'Choose another image.',
  },
  SecretNotFound: {
    permanent: true,
    meaning: 'A Secret that the Instance names is missing, or lacks its key.',
    remedy: "Create it in the Instance's namespace.",
  },
  BadUserData: {
    permanent: true,
    meaning: 'The user data or the network configuration cannot be used.',
    remedy: 'Correct it.',
  },
  BadNetwork: {
    permanent: true,
    meaning: 'The network that the Instance asks for cannot be had on this machine, or at its Site.',
    remedy: "Correct spec.network or spec.networks of the Instance, or the Site's networks.",
  },
  AddressesExhausted: {
    permanent: false,
    meaning: 'A network of the Site has no address left in its range.',
    remedy: "Widen the range in the Site's networks, or delete Instances that have addresses of it.",
  },
  ImageUnavailable: {
    permanent: false,
    meaning: 'The image could not be downloaded.',
    remedy: "Check the Image's url from the machine's network.",
  },
  ImageDigestMismatch: {
    permanent: true,
    meaning: 'What was downloaded is not what the Image describes. It was not left bootable.',
    remedy: "Correct the Image's url or sha256 (as another Image).",
  },
  ImageTooLarge: {
    permanent: true,
    meaning: 'The image does not fit on the disk.',
    remedy: 'Choose another disk or image.',
  },
  UnsupportedImage: {
    permanent: true,
    meaning: 'The agent cannot write images of this format or compression, or the image cannot run from an array.',
    remedy: 'Choose another image.',
  },
  DiskMissing: { permanent: false, meaning: 'A disk is not there any more.', remedy: 'Look at the machine.' },
  DiskFailed: { permanent: false, meaning: 'A disk gave an error.', remedy: 'Replace the disk.' },
  DiskReadOnly: {
    permanent: true,
    meaning: 'A disk cannot be written to, so that what is on it stays. The machine is not offered.',
    remedy: 'Let it be written to, or take it out of the machine, then ask for resetStatus.',
  },
  ReadBackMismatch: {
    permanent: false,
    meaning: 'What was read back from the disk is not what was written.',
    remedy: 'Replace the disk, if it persists.',
  },
  WipeNotVerified: {
    permanent: false,
    meaning: 'Data was found on a disk after it was wiped. The machine is not offered.',
    remedy: 'Replace the disk, if it persists.',
  },
  BadVolumes: {
    permanent: true,
    meaning: 'The volumes that the Instance asks for cannot be made of the disks that its machine has for them.',
    remedy: "Correct spec.volumes of the Instance, or the DeviceType's volumes and put the device away again.",
  },
  ArrayForeign: {
    permanent: true,
    meaning: 'A disk of a volume belongs to an array that was not made for it. Nothing was written to it.',
    remedy: 'Delete the Instance or lift the quarantine, either wipes the machine; or take the array apart by hand.',
  },
  ArrayMissing: {
    permanent: true,
    meaning: 'The array that holds the data of a volume is not there any more.',
    remedy: "Look at the machine's disks; spec.reinstallDisks All makes it anew, losing what is left of it.",
  },
  ArrayDegraded: {
    permanent: true,
    meaning: 'An array lacks a disk.',
    remedy: 'Replace the disk and let the array be rebuilt, then ask for resetStatus.',
  },
  ArrayRefused: {
    permanent: false,
    meaning: 'The RAID controller, or Linux in its place, does not make the array, or says so and has not.',
    remedy: "Look at the message and at the controller's own log.",
  },
  ControllerNotDriven: {
    permanent: true,
    meaning:
      'The live OS does not drive the RAID controller on which the disks hang: it lacks the vendor’s program, or that fails, or the controller is gone.',
    remedy:
      'Build the live OS with the vendor’s program: npm run liveos -- --form full --tools DIR. Then ask for resetStatus.',
  },
  NoSystem: {
    permanent: true,
    meaning: 'No installed system was found on the disk, or the Image is a tar without one, or without a kernel.',
    remedy: 'Reinstall the Instance, with another image if it was that.',
  },
  AgentFailed: { permanent: false, meaning: 'The agent failed.', remedy: "Look at the agent's log." },
  GaveUp: {
    permanent: true,
    meaning: 'The operation failed too many times in a row.',
    remedy: 'Find the cause, then ask for resetStatus.',
  },
} as const satisfies Record<string, Meaning>;

export type FailureCode = keyof typeof FAILURES;

/** An operation's failure, as status.error tells it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get permanent(): boolean {
    return FAILURES[this.code].permanent;
  }
}
