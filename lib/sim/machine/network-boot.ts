// The firmware's network boot: asks the operator's boot address for a script, and reads from it what the live OS would
// find on its command line.
import { type AgentArguments, agentArguments } from '../../agent/arguments.ts';
import { reason } from '../../agent/errors.ts';
import type { Log } from '../../observe/log.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';

export interface NetworkBootSurroundings {
  readonly bootUrl: (macAddress: string) => string | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly retryMs: number;
  /** After so long without an answer, 404 included, the firmware gives up. */
  readonly giveUpMs: number;
  readonly log: Log;
  /** What the firmware knows of the machine, by iPXE's names. */
  readonly whoami: Readonly<Record<string, string>>;
}

const ANSWER_MS = 10_000;

/** What to start the agent with; undefined: nothing to boot from here. @throws the signal's reason */
export async function networkBoot(
  macAddress: string,
  { bootUrl, signal, clock, retryMs, giveUpMs, log, whoami }: NetworkBootSurroundings,
): Promise<AgentArguments | undefined> {
  const begun = clock.monotonic();
  do {
    try {
      const answer = await ask(bootUrl(macAddress), macAddress, signal);
      if (answer?.status === 404) return undefined;
      // A script that chains to itself is the operator's "not yet".
      if (answer?.status === 200 && !/^chain /m.test(answer.text)) {
        await introduce(answer.text, whoami, signal);
        return scriptArguments(answer.text);
      }
    } catch (error) {
      signal.throwIfAborted();
      log.debug({ why: reason(error) }, 'no answer to the network boot');
    }
    await sleep(clock, retryMs, signal);
  } while (clock.monotonic() - begun < giveUpMs);
  return undefined;
}

async function ask(bootUrl: string | undefined, macAddress: string, signal: AbortSignal) {
  if (bootUrl === undefined) return undefined;
  const answer = await fetch(`${bootUrl}/boot/v1/${macAddress}`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Does what the script's imgfetch says, with the settings that it asks for. */
async function introduce(script: string, whoami: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const url = /^imgfetch .*?(http:\/\/\S+)/m.exec(script)?.[1];
  if (url === undefined) return;
  const filled = url.replace(/\$\{(\w+):uristring\}/g, (_, name: string) => encodeURIComponent(whoami[name] ?? ''));
  const answer = await fetch(filled, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) });
  await answer.arrayBuffer();
}

function scriptArguments(script: string): AgentArguments | undefined {
  const kernel = script.split('\n').find((line) => line.startsWith('kernel '));
  return kernel === undefined ? undefined : agentArguments(kernel);
}
