// A work queue of keys for the server's own controllers: each key once, one at a time, failures again after a pause.

const FIRST_PAUSE = 50;
const LAST_PAUSE = 30_000;

export class KeyQueue {
  readonly #work: (key: string) => Promise<void>;
  readonly #log: (line: string) => void;
  readonly #queued = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param work brings a key's object to where it should be; may run at any time and again */
  constructor(work: (key: string) => Promise<void>, log: (line: string) => void) {
    this.#work = work;
    this.#log = log;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#queued.add(key);
    this.#running ??= this.#run();
  }

  /** Lets the key under way finish and drops the others. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queued.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever adds a key is in the middle of something: work begins after that.
    await Promise.resolve();
    for (const key of this.#queued) {
      this.#queued.delete(key);
      try {
        await this.#work(key);
        this.#failures.delete(key);
      } catch (error) {
        this.#retry(key, error as Error);
      }
    }
    this.#running = undefined;
  }

  #retry(key: string, error: Error): void {
    if (this.#closed) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#log(`controller: ${key}: ${error.message}`);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.add(key);
      },
      Math.min(FIRST_PAUSE * 2 ** failures, LAST_PAUSE),
    );
    this.#timers.add(timer);
  }
}
