// The functions that Kubernetes adds to CEL (its "CEL libraries" page): quantities, URLs, addresses, regular expressions, lists.
import { BlockList, isIP } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { compilePattern } from './patterns.ts';
import { parseQuantity } from './quantity.ts';

type Ordered = bigint | number | string;

class Quantity {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  static parse(text: string): Quantity {
    const value = parseQuantity(text);
    if (value === undefined) throw new Error(`${text} is not a quantity`);
    return new Quantity(value);
  }
}

class Address {
  readonly text: string;
  readonly family: bigint;
  constructor(text: string) {
    const family = isIP(text);
    if (family === 0) throw new Error(`${text} is not an IP address`);
    this.text = text;
    this.family = BigInt(family);
  }
}

class Range {
  readonly prefix: number;
  readonly #addresses = new BlockList();
  constructor(text: string) {
    const [address = '', prefix = ''] = text.split('/');
    const family = isIP(address);
    if (family === 0 || !/^\d{1,3}$/.test(prefix)) throw new Error(`${text} is not a CIDR range`);
    this.prefix = Number(prefix);
    this.#addresses.addSubnet(address, this.prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  contains(address: Address): boolean {
    return this.#addresses.check(address.text, address.family === 4n ? 'ipv4' : 'ipv6');
  }
}

/** Whether a constructor takes the text. */
function accepts(make: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      make(text);
      return true;
    } catch (error) {
      // Refusing is the answer that was asked for; anything but an Error is a fault of ours.
      if (error instanceof Error) return false;
      throw error;
    }
  };
}

/** An absolute URL or an absolute path, as Kubernetes' url() wants it. */
function parseUrl(text: string): URL {
  return text.startsWith('/') ? new URL(text, 'none:') : new URL(text);
}

function sorted(list: readonly Ordered[]): boolean {
  return list.every((item, index) => index === 0 || list[index - 1]! <= item);
}

function extreme(list: readonly Ordered[], better: (a: Ordered, b: Ordered) => boolean): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error('called on an empty list');
  return rest.reduce((best, item) => (better(item, best) ? item : best), first);
}

function sum(list: readonly (bigint | number)[]): bigint | number {
  const whole = list.every((item) => typeof item === 'bigint');
  if (whole) return (list as readonly bigint[]).reduce((total, item) => total + item, 0n);
  return list.reduce<number>((total, item) => total + Number(item), 0);
}

/** Declares them in the environment and returns it. */
export function registerKubernetesFunctions(environment: Environment): Environment {
  registerQuantities(environment);
  registerNetwork(environment);
  return environment
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => compilePattern(pattern).exec(text)?.[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      Array.from(text.matchAll(new RegExp(compilePattern(pattern), 'g')), (match) => match[0]),
    )
    .registerFunction('list.isSorted(): bool', sorted)
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (list: Ordered[]) => extreme(list, (a, b) => a < b))
    .registerFunction('list.max(): dyn', (list: Ordered[]) => extreme(list, (a, b) => a > b))
    .registerFunction('list.indexOf(dyn): int', (list: Ordered[], item: Ordered) => BigInt(list.indexOf(item)))
    .registerFunction('list.lastIndexOf(dyn): int', (list: Ordered[], item: Ordered) => BigInt(list.lastIndexOf(item)));
}

function registerQuantities(environment: Environment): void {
  const type = 'kubernetes.Quantity';
  environment
    .registerType(type, Quantity)
    .registerFunction(`quantity(string): ${type}`, (text: string) => Quantity.parse(text))
    .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => a.value > b.value)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.value < b.value)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) =>
      BigInt(Math.sign(a.value - b.value)),
    )
    .registerFunction(`${type}.sign(): int`, ({ value }: Quantity) => BigInt(Math.sign(value)))
    .registerFunction(`${type}.isInteger(): bool`, ({ value }: Quantity) => Number.isSafeInteger(value))
    .registerFunction(`${type}.asInteger(): int`, ({ value }: Quantity) => BigInt(value))
    .registerFunction(`${type}.asApproximateFloat(): double`, ({ value }: Quantity) => value)
    .registerFunction(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.value + b.value))
    .registerFunction(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.value - b.value));
}

function registerNetwork(environment: Environment): void {
  const [url, ip, cidr] = ['kubernetes.URL', 'net.IP', 'net.CIDR'];
  environment
    .registerType(url, URL)
    .registerFunction(`url(string): ${url}`, parseUrl)
    .registerFunction('isURL(string): bool', accepts(parseUrl))
    .registerFunction(`${url}.getScheme(): string`, ({ protocol }: URL) =>
      protocol === 'none:' ? '' : protocol.slice(0, -1),
    )
    .registerFunction(`${url}.getHost(): string`, ({ host }: URL) => host)
    .registerFunction(`${url}.getHostname(): string`, ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, ''))
    .registerFunction(`${url}.getPort(): string`, ({ port }: URL) => port)
    .registerFunction(`${url}.getEscapedPath(): string`, ({ pathname }: URL) => pathname)
    .registerType(ip, Address)
    .registerFunction(`ip(string): ${ip}`, (text: string) => new Address(text))
    .registerFunction('isIP(string): bool', (text: string) => isIP(text) > 0)
    .registerFunction(`${ip}.family(): int`, ({ family }: Address) => family)
    .registerType(cidr, Range)
    .registerFunction(`cidr(string): ${cidr}`, (text: string) => new Range(text))
    .registerFunction(
      'isCIDR(string): bool',
      accepts((text) => new Range(text)),
    )
    .registerFunction(`${cidr}.containsIP(${ip}): bool`, (range: Range, address: Address) => range.contains(address))
    .registerFunction(`${cidr}.containsIP(string): bool`, (range: Range, text: string) =>
      range.contains(new Address(text)),
    )
    .registerFunction(`${cidr}.prefixLength(): int`, ({ prefix }: Range) => BigInt(prefix));
}
