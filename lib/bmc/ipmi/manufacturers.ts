// Names of those who make BMCs, by their IANA enterprise number, as Get Device ID gives it.

const NAMES: Readonly<Record<number, string>> = {
  2: 'IBM',
  11: 'Hewlett-Packard',
  42: 'Sun Microsystems',
  343: 'Intel',
  674: 'Dell',
  2011: 'Huawei',
  4753: 'MontaVista',
  5703: 'NVIDIA',
  5771: 'Cisco',
  6653: 'Tyan',
  7244: 'Quanta',
  10368: 'Fujitsu',
  10876: 'Supermicro',
  15370: 'Gigabyte',
  19046: 'Lenovo',
  20301: 'IBM',
  27500: 'Dawning',
  33049: 'Mellanox',
  37945: 'Inspur',
  40981: 'Facebook',
  47196: 'Hewlett Packard Enterprise',
  49622: 'ASRock Rack',
  49769: 'YADRO',
};

export function manufacturerName(id: number): string {
  return NAMES[id] ?? `IANA ${id}`;
}
