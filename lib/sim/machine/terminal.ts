// What a simulated machine shows on its serial port: its start, and a login prompt that lets nobody in.
import { EchoingPort, type SerialPort } from '../bmc/chassis.ts';
import type { MachineState } from './types.ts';

const ENTER = new Set([0x0d, 0x0a]);
const ERASE = new Set([0x08, 0x7f]);
const MOST_TYPED = 256;

type Asking = 'login' | 'password';

export class Terminal implements SerialPort {
  readonly #out = new EchoingPort();
  readonly #hostname: () => string;
  /** What the system asks for; undefined while no system runs. */
  #asking: Asking | undefined;
  #typed = 0;

  /** `hostname` of the system that is installed. */
  constructor(hostname: () => string) {
    this.#hostname = hostname;
  }

  onOutput(listener: (data: Buffer) => void): () => void {
    return this.#out.onOutput(listener);
  }

  /** Characters are echoed, passwords are not. Nobody listens before the system has started. */
  input(data: Buffer): void {
    for (const byte of data) if (this.#asking) this.#type(byte, this.#asking);
  }

  /** The machine is in another state now. */
  show(state: MachineState): void {
    this.#asking = undefined;
    this.#print(SHOWN[state]);
    if (state === 'system') this.#print(`\r\nGNU/Linux ${this.#hostname()} ttyS0\r\n\r\n`);
    if (state === 'system') this.#ask('login');
  }

  #type(byte: number, asking: Asking): void {
    if (ENTER.has(byte)) this.#enter(asking);
    else if (ERASE.has(byte)) this.#erase(asking);
    else this.#add(byte, asking);
  }

  #add(byte: number, asking: Asking): void {
    if (this.#typed === MOST_TYPED) return;
    this.#typed++;
    if (asking === 'login') this.#out.print(Buffer.of(byte));
  }

  #enter(asking: Asking): void {
    const isNamed = asking === 'login' && this.#typed > 0;
    this.#print(asking === 'password' ? '\r\nLogin incorrect\r\n' : '\r\n');
    this.#ask(isNamed ? 'password' : 'login');
  }

  #erase(asking: Asking): void {
    if (this.#typed === 0) return;
    this.#typed--;
    if (asking === 'login') this.#print('\b \b');
  }

  #ask(asking: Asking): void {
    this.#asking = asking;
    this.#typed = 0;
    this.#print(asking === 'login' ? `${this.#hostname()} login: ` : 'Password: ');
  }

  #print(text: string): void {
    if (text !== '') this.#out.print(Buffer.from(text, 'latin1'));
  }
}

const SHOWN: Readonly<Record<MachineState, string>> = {
  off: '',
  post: '\r\nSimulated firmware\r\nMemory test: passed\r\n',
  'network-boot': '>> Start PXE over IPv4\r\n',
  live: 'Live OS started, its agent asks for work\r\n',
  'system-boot': 'Loading Linux ...\r\nLoading initial ramdisk ...\r\n',
  system: '',
  'shutting-down': '\r\nThe system will power off now!\r\n',
  'no-boot-device': 'No bootable device. Insert one and restart.\r\n',
  hung: '',
};
