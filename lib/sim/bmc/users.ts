// The accounts of a simulated BMC: numbered slots, as IPMI has them.
import type { PrivilegeName } from '../../bmc/ipmi/wire/channel.ts';

export interface SimulatedUser {
  readonly name: string;
  readonly password: string;
  readonly privilege: PrivilegeName;
  readonly enabled?: boolean;
}

export interface UserSlot {
  readonly id: number;
  name: string;
  password: Buffer;
  privilege: PrivilegeName;
  enabled: boolean;
}

export const MAX_USERS = 10;

/** Slot 1 is the nameless user of the specification (§22.26), always disabled here; the given ones follow from slot 2. */
export class Users {
  readonly #slots: UserSlot[];
  readonly #changed: (user: UserSlot) => void;

  /** `changed` hears of passwords that were set, for a BMC that outlives its process. */
  constructor(users: readonly SimulatedUser[], changed: (user: UserSlot) => void = () => undefined) {
    this.#changed = changed;
    if (users.length >= MAX_USERS) throw new RangeError(`a BMC has ${MAX_USERS - 1} named users at most`);
    const nobody: SimulatedUser = { name: '', password: '', privilege: 'none', enabled: false };
    this.#slots = [nobody, ...users].map(({ name, password, privilege, enabled = true }, index) => {
      return { id: index + 1, name, password: Buffer.from(password), privilege, enabled };
    });
  }

  get enabledCount(): number {
    return this.#slots.filter((user) => user.enabled).length;
  }

  setPassword(user: UserSlot, password: Buffer): void {
    user.password = password;
    this.#changed(user);
  }

  byName(name: string): UserSlot | undefined {
    return this.#slots.find((user) => user.enabled && user.name === name);
  }

  /** The slot, empty if it was never written; undefined for numbers that there are not. */
  slot(id: number): UserSlot | undefined {
    if (id < 1 || id > MAX_USERS) return undefined;
    for (let next = this.#slots.length + 1; next <= id; next++) {
      this.#slots.push({ id: next, name: '', password: Buffer.alloc(0), privilege: 'none', enabled: false });
    }
    return this.#slots[id - 1];
  }
}
