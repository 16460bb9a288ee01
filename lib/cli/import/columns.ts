// The columns of the spreadsheet of machines, and the field of the Device or Secret that each fills.

export interface Column {
  /** As the template has it; upper and lower case, blanks, `_` and `-` make no difference. */
  readonly title: string;
  /** What other programs call it. */
  readonly also: readonly string[];
  /** Where it goes: of the Device, or of the Secret with the BMC's login. */
  readonly field: readonly string[];
  readonly of: 'Device' | 'Secret';
  readonly required: boolean;
  /** In the template. */
  readonly example: string;
  /** For `--help`. */
  readonly about: string;
  /** The cell as the field wants it; undefined: it cannot be. Default: as it is. */
  readonly read?: (cell: string) => string | number | boolean | undefined;
  /** What `read` expected. */
  readonly expected?: string;
}

const WORDS: Readonly<Record<string, boolean>> = { yes: true, true: true, 1: true, no: false, false: false, 0: false };

const isNumber = (cell: string): number | undefined => (/^\d{1,9}$/.test(cell) ? Number(cell) : undefined);
const isTruth = (cell: string): boolean | undefined =>
  Object.hasOwn(WORDS, cell.toLowerCase()) ? WORDS[cell.toLowerCase()] : undefined;
/** `52-54-00-AB-CD-EF` and `5254.00ab.cdef` too. */
function macAddress(cell: string): string | undefined {
  const digits = cell.replace(/[:.\-\s]/g, '').toLowerCase();
  return /^[0-9a-f]{12}$/.test(digits) ? digits.replace(/..(?=.)/g, '$&:') : undefined;
}
/** An address without a scheme is one of IPMI, which every BMC has. */
const bmcAddress = (cell: string): string => (cell.includes('://') ? cell : `ipmi://${cell}`);

export const COLUMNS: readonly Column[] = [
  {
    title: 'name',
    also: ['hostname', 'device'],
    field: ['metadata', 'name'],
    of: 'Device',
    required: true,
    example: 'r1-07',
    about: 'of the Device: small letters, digits and hyphens',
  },
  {
    title: 'bmc address',
    also: ['bmc', 'bmc ip', 'ipmi address', 'oob address', 'oob ip'],
    field: ['spec', 'bmc', 'address'],
    of: 'Device',
    required: true,
    example: 'redfish://192.0.2.17',
    about: 'ipmi://HOST[:623] or redfish://HOST; a host alone means IPMI',
    read: bmcAddress,
  },
  {
    title: 'bmc username',
    also: ['bmc user', 'ipmi user', 'oob user', 'username'],
    field: ['stringData', 'username'],
    of: 'Secret',
    required: false,
    example: 'admin',
    about: "of an administrator; without it and the password the Site's credentials are used",
  },
  {
    title: 'bmc password',
    also: ['ipmi password', 'oob password', 'password'],
    field: ['stringData', 'password'],
    of: 'Secret',
    required: false,
    example: 'change-me',
    about: 'its password; goes into a Secret and nowhere else',
  },
  {
    title: 'serial number',
    also: ['serial', 'sn'],
    field: ['spec', 'serialNumber'],
    of: 'Device',
    required: false,
    example: '7C1QX3',
    about: 'what the machine must say of itself before anything is written to it',
  },
  {
    title: 'boot mac',
    also: ['mac', 'mac address', 'boot mac address', 'pxe mac', 'mac1'],
    field: ['spec', 'bootMACAddress'],
    of: 'Device',
    required: true,
    example: '52:54:00:12:34:56',
    about: 'of the interface that boots from the network',
    read: macAddress,
    expected: 'a MAC address such as 52:54:00:12:34:56',
  },
  {
    title: 'site',
    also: ['idc', 'data centre', 'datacenter', 'room'],
    field: ['spec', 'site'],
    of: 'Device',
    required: false,
    example: 'fra1',
    about: 'name of the Site; --site is meant where the cell is empty',
  },
  {
    title: 'rack',
    also: ['cabinet'],
    field: ['spec', 'location', 'rack'],
    of: 'Device',
    required: false,
    example: 'r1',
    about: 'name of the rack',
  },
  {
    title: 'unit',
    also: ['u', 'u position', 'rack unit', 'position'],
    field: ['spec', 'location', 'unit'],
    of: 'Device',
    required: false,
    example: '7',
    about: 'lowest rack unit',
    read: isNumber,
    expected: 'a whole number',
  },
  {
    title: 'pool',
    also: [],
    field: ['spec', 'pool'],
    of: 'Device',
    required: false,
    example: 'default',
    about: 'whose machine it is',
  },
  {
    title: 'device type',
    also: ['type', 'model'],
    field: ['spec', 'deviceType'],
    of: 'Device',
    required: false,
    example: 'gp.large',
    about: 'name of the DeviceType',
  },
  {
    title: 'put away',
    also: ['offer'],
    field: ['spec', 'putAway'],
    of: 'Device',
    required: false,
    example: 'no',
    about: 'yes: offer it as soon as its hardware was checked',
    read: isTruth,
    expected: 'yes or no',
  },
];

export const plain = (title: string): string => title.toLowerCase().replace(/[\s_-]+/g, ' ');

/** The column that a header means. */
export const columnOf = (title: string): Column | undefined =>
  COLUMNS.find(({ title: own, also }) => own === plain(title) || also.includes(plain(title)));

/** A file to fill in: the header and one machine. */
export const TEMPLATE = `${COLUMNS.map(({ title }) => title).join(',')}\n${COLUMNS.map(({ example }) => example).join(',')}\n`;
