// Figures, alone or beside those of a real server.

/** One figure; `better` says which way is ahead. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly value: number;
}

export interface Line {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: string;
  readonly peerValue?: number;
  /** Greater than 1 where the embedded server is ahead. */
  readonly ratio?: number;
}

const round = (number: number): number => Number(number.toPrecision(4));

export function report(embedded: readonly Figure[], real: readonly Figure[] = []): Line[] {
  return embedded.map(({ what, unit, better, value }) => {
    const peer = real.find((figure) => figure.what === what);
    if (!peer) return { what, value: round(value), unit };
    const ratio = better === 'more' ? value / peer.value : peer.value / value;
    return {
      what,
      value: round(value),
      unit,
      peer: 'kube-apiserver',
      peerValue: round(peer.value),
      ratio: round(ratio),
    };
  });
}

export function print({ what, value, unit, peerValue, ratio }: Line): string {
  const beside = ratio === undefined ? '' : `  (${peerValue} ${unit}, ${ratio}×)`;
  return `${what.padEnd(52)} ${String(value).padStart(9)} ${unit}${beside}`;
}
