// The firmware's boot from a drive that the BMC lends the machine: reads the boot loader's configuration off the disc, for what
// the live OS would find on its command line.
import { type AgentArguments, agentArguments } from '../../agent/arguments.ts';

/** The configuration stands near the beginning of a simulated disc. */
const HEAD_BYTES = 1024 * 1024;
const ANSWER_MS = 10_000;

/** Undefined where there is no disc, or nothing to boot from on it. @throws the signal's reason */
export async function mediaBoot(image: string | undefined, signal: AbortSignal): Promise<AgentArguments | undefined> {
  if (image === undefined) return undefined;
  try {
    const answer = await fetch(image, {
      headers: { range: `bytes=0-${HEAD_BYTES - 1}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    const head = await answer.text();
    const kernel = answer.ok ? head.split('\n').find((line) => line.trimStart().startsWith('linux ')) : undefined;
    return kernel === undefined ? undefined : agentArguments(kernel);
  } catch {
    // Whatever keeps the disc from being read: a machine goes on to its next boot device.
    signal.throwIfAborted();
    return undefined;
  }
}
