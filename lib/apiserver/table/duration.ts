// How long ago, as kubectl shows it (apimachinery duration.HumanDuration): at most two units, fewer digits the older.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

function two(seconds: number, big: number, small: number, bigName: string, smallName: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)}${bigName}${rest > 0 ? `${rest}${smallName}` : ''}`;
}

export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return two(seconds, MINUTE, 1, 'm', 's');
  if (seconds < 3 * HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < 8 * HOUR) return two(seconds, HOUR, MINUTE, 'h', 'm');
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)}h`;
  if (seconds < 8 * DAY) return two(seconds, DAY, HOUR, 'd', 'h');
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / DAY)}d`;
  if (seconds < 8 * YEAR) return two(seconds, YEAR, DAY, 'y', 'd');
  return `${Math.floor(seconds / YEAR)}y`;
}

/** The age of an RFC 3339 instant; "<unknown>" where there is none. */
export function age(instant: string | undefined, now: number): string {
  if (!instant) return '<unknown>';
  const then = Date.parse(instant);
  return Number.isNaN(then) ? '<unknown>' : humanDuration(now - then);
}
