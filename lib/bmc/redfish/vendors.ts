// Where Redfish services differ by vendor in ways that they do not tell.
//
// What they do tell (allowable values, links, which properties exist) is read from them and does not belong here.
import { type Json, text } from './json.ts';

export interface Vendor {
  /** The hardware's event log, where the service has several, by the last part of its path; the first that exists. */
  readonly eventLogs: readonly string[];
}

const USUAL: Vendor = { eventLogs: ['SEL', 'Sel', 'EventLog', 'Log', 'Log1', 'Logs'] };

const VENDORS: readonly { readonly name: RegExp; readonly differs: Partial<Vendor> }[] = [
  { name: /^(hpe|hewlett)/i, differs: { eventLogs: ['IML', 'IEL'] } },
  { name: /^dell/i, differs: { eventLogs: ['Sel', 'Lclog'] } },
  { name: /^super ?micro/i, differs: { eventLogs: ['Log1'] } },
  { name: /^lenovo/i, differs: { eventLogs: ['PlatformLog', 'StandardLog'] } },
];

/** By the service root's Vendor, else by the system's Manufacturer. */
export function vendorOf(root: Json, system: Json): Vendor {
  const name = text(root, 'Vendor') ?? text(system, 'Manufacturer') ?? '';
  const found = VENDORS.find((vendor) => vendor.name.test(name));
  return { ...USUAL, ...found?.differs };
}
