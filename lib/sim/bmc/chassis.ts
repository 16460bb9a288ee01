// What a simulated BMC controls: the machine's power button, boot override and identify light.
import type { Inventory } from '../../provision/protocol.ts';

export type ChassisAction = 'on' | 'off' | 'cycle' | 'reset' | 'soft' | 'diag';

export type ChassisBootDevice = 'none' | 'pxe' | 'disk' | 'safe' | 'diag' | 'cdrom' | 'bios' | 'floppy';

/** The boot override, as the machine's firmware reads it when it starts. */
export interface ChassisBoot {
  readonly device: ChassisBootDevice;
  /** False: for the next start only. The firmware then sets `valid` to false once it has read it. */
  readonly persistent: boolean;
  readonly efi: boolean;
  /** Whether there is an override at all. */
  readonly valid: boolean;
}

export const NO_BOOT_OVERRIDE: ChassisBoot = { device: 'none', persistent: false, efi: false, valid: false };

/** The machine's serial port. */
export interface SerialPort {
  /** What the machine prints from now on; call what is given back to hear no more. */
  onOutput(listener: (data: Buffer) => void): () => void;
  /** What is typed. */
  input(data: Buffer): void;
}

/** The machine's parts, as its firmware tells its BMC of them. */
export type ChassisHardware = Pick<Inventory, 'firmware' | 'cpu' | 'memory' | 'disks' | 'nics'>;

/** A machine as its BMC sees it. Every BMC protocol of the simulator works on this. */
export interface Chassis {
  power(): 'On' | 'Off';
  /** Called after each change of power; call what is given back to hear no more. */
  onPower(listener: (power: 'On' | 'Off') => void): () => void;
  /** Returns at once; `soft` only asks the operating system. */
  control(action: ChassisAction): void;
  /** Read and cleared by the firmware, written by the BMC. */
  boot: ChassisBoot;
  /** URL of the image in the drive that the BMC lends it. */
  media?: string | undefined;
  /** Blinks for so many seconds; 0 ends it, Infinity is until further notice. */
  identify(seconds: number): void;
  /** Of a machine that tells its BMC of them. */
  readonly hardware?: ChassisHardware;
  /** Machines without one have no console. */
  readonly serial?: SerialPort;
}

/** A serial port whose other end says back what it hears. */
export class EchoingPort implements SerialPort {
  readonly #listeners = new Set<(data: Buffer) => void>();

  onOutput(listener: (data: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  input(data: Buffer): void {
    this.print(data);
  }

  print(data: Buffer): void {
    for (const listener of this.#listeners) listener(data);
  }
}

/** A chassis without a machine: switches at once, boots nothing, and remembers what was asked. */
export class MemoryChassis implements Chassis {
  boot: ChassisBoot = NO_BOOT_OVERRIDE;
  readonly actions: ChassisAction[] = [];
  readonly serial = new EchoingPort();
  identifySeconds = 0;
  readonly #listeners = new Set<(power: 'On' | 'Off') => void>();
  #power: 'On' | 'Off' = 'Off';

  power(): 'On' | 'Off' {
    return this.#power;
  }

  onPower(listener: (power: 'On' | 'Off') => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  control(action: ChassisAction): void {
    this.actions.push(action);
    if (action === 'on' || action === 'cycle') this.#switch('On');
    if (action === 'off' || action === 'soft') this.#switch('Off');
  }

  #switch(power: 'On' | 'Off'): void {
    if (power === this.#power) return;
    this.#power = power;
    for (const listener of this.#listeners) listener(power);
  }

  identify(seconds: number): void {
    this.identifySeconds = seconds;
  }
}
