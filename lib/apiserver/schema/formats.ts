// String formats that structural schemas may name (OpenAPI v3 and kube-openapi's strfmt), as predicates.
import { isIP } from 'node:net';

const HOSTNAME = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([zZ]|[+-]\d{2}:?\d{2})?$/;
const DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)\s*[a-zµμ]+((\d+(\.\d*)?|\.\d+)\s*[a-zµμ]+)*$|^0$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

/** A time as RFC 3339 writes it. */
export function isDateTime(text: string): boolean {
  const day = DATE_TIME.exec(text)?.[1];
  return day !== undefined && isDate(day) && !Number.isNaN(Date.parse(text.toUpperCase()));
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return family > 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

const FORMATS = new Map<string, (text: string) => boolean>([
  ['date', isDate],
  ['date-time', isDateTime],
  ['datetime', isDateTime],
  ['duration', (text) => DURATION.test(text)],
  ['byte', (text) => BASE64.test(text)],
  ['email', (text) => /^[^\s@]+@[^\s@]+$/.test(text)],
  ['hostname', (text) => text.length <= 255 && HOSTNAME.test(text)],
  ['ipv4', (text) => isIP(text) === 4],
  ['ipv6', (text) => isIP(text) === 6],
  ['cidr', isCidr],
  ['mac', (text) => /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$/i.test(text)],
  ['uri', (text) => URL.canParse(text)],
  ['uuid', (text) => UUID.test(text)],
  ['uuid3', (text) => UUID.test(text) && /^.{8}-?.{4}-?3/.test(text)],
  ['uuid4', (text) => UUID.test(text) && /^.{8}-?.{4}-?4/.test(text)],
  ['uuid5', (text) => UUID.test(text) && /^.{8}-?.{4}-?5/.test(text)],
]);

/** Whether a string has the format. Formats that Kubernetes does not know are not checked. */
export function hasFormat(text: string, format: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}
