// Delta debugging: the least part of a list that still fails (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
// Input", 2002, ddmin).

/**
 * A part of `items`, in their order, that fails, and of which no chunk can be left out as far as was tried.
 * @param tries the most parts that are tried
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  tries: number,
): Promise<readonly T[]> {
  let rest = items;
  let chunks = 2;
  for (let tried = 0; rest.length > 1 && chunks <= rest.length; ) {
    const size = Math.ceil(rest.length / chunks);
    let smaller: readonly T[] | undefined;
    for (let from = 0; from < rest.length && !smaller; from += size) {
      if (tried++ >= tries) return rest;
      const without = [...rest.slice(0, from), ...rest.slice(from + size)];
      if (await fails(without)) smaller = without;
    }
    if (smaller) {
      rest = smaller;
      chunks = Math.max(2, chunks - 1);
    } else if (size === 1) return rest;
    else chunks = Math.min(chunks * 2, rest.length);
  }
  return rest;
}
