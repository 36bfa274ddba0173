/** The signals that ask this process to end, each with the exit code a shell expects (128 + its number). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type EndSignal = keyof typeof EXIT_CODES;

/** Called with the signal and its count, from 1. A second signal usually means: abort. */
export type SignalListener = (signal: EndSignal, count: number) => void;

export interface Signals {
  /**
   * Called by a command that has something to finish before it ends. While a listener is registered, a signal does not end
   * the process. Returns a function that removes the listener; calling it twice has no further effect.
   */
  readonly onSignal: (listener: SignalListener) => () => void;
  /**
   * Called by a command that only reads and has nothing to finish. From then on the system ends the process on a signal,
   * even during a long call into SQLite, in which no listener of ours could run.
   */
  readonly leaveToSystem: () => void;
  readonly exitCodeFor: (signal: EndSignal) => (typeof EXIT_CODES)[EndSignal];
}

/** The part of `process` that signals need. */
interface SignalHost {
  on(event: EndSignal | 'message', listener: (message: unknown) => void): unknown;
  off(event: EndSignal, listener: (message: unknown) => void): unknown;
  exit(code: number): void;
  readonly pid?: number;
  readonly channel?: { unref(): void } | null | undefined;
}

export interface SignalOptions {
  /** Repeats of a signal within this time count as one. */
  readonly mergeWithinMs: number;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * `npm run` forwards a terminal's Ctrl-C to its child, which has already received it from the terminal. Whether the copy
 * arrives depends on the shell between them. So under npm, two signals within a quarter of a second count as one.
 */
const MERGE_UNDER_NPM_MS = 250;

const END_SIGNALS = Object.keys(EXIT_CODES) as EndSignal[];

/**
 * Listens to signals sent to this process and to those that the launcher forwards as `{ tallystreamSignal: name }`.
 *
 * One Ctrl-C in a terminal reaches both launcher and child, so it arrives here twice: as a signal and as a message. So the
 * larger of the two counts is how often the user asked. A signal without a listener ends the process.
 */
export function installSignals(
  host: SignalHost = process,
  { mergeWithinMs, nowMs }: SignalOptions = optionsOf(process.env),
): Signals {
  const listeners = new Set<{ readonly call: SignalListener }>();
  const onDirect = new Map<EndSignal, () => void>();
  for (const signal of END_SIGNALS) {
    const direct = { count: 0, atMs: -Infinity };
    const forwarded = { count: 0, atMs: -Infinity };
    let count = 0;
    const receive = (way: typeof direct) => {
      const atMs = nowMs();
      if (atMs - way.atMs < mergeWithinMs) return;
      way.atMs = atMs;
      way.count += 1;
      const asked = Math.max(direct.count, forwarded.count);
      if (asked === count) return;
      count = asked;
      if (listeners.size === 0) host.exit(EXIT_CODES[signal]);
      for (const listener of listeners) listener.call(signal, count);
    };
    const directly = () => receive(direct);
    onDirect.set(signal, directly);
    host.on(signal, directly);
    host.on('message', (message) => {
      if (forwardedSignal(message) === signal) receive(forwarded);
    });
  }
  // A process that listens to messages would otherwise stay alive as long as its parent.
  host.channel?.unref();
  return {
    onSignal(listener) {
      const entry = { call: listener };
      listeners.add(entry);
      return () => {
        listeners.delete(entry);
      };
    },
    leaveToSystem() {
      // The first process of a container only receives signals that it listens to.
      if (host.pid === 1) return;
      for (const [signal, directly] of onDirect) host.off(signal, directly);
    },
    exitCodeFor: (signal) => EXIT_CODES[signal],
  };
}

function optionsOf(environment: NodeJS.ProcessEnv): SignalOptions {
  return {
    mergeWithinMs: environment['npm_lifecycle_event'] === undefined ? 0 : MERGE_UNDER_NPM_MS,
    nowMs: () => performance.now(),
  };
}

/** Any parent process may send messages, so anything but the launcher's shape is ignored. */
function forwardedSignal(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'tallystreamSignal' in message
    ? message.tallystreamSignal
    : undefined;
}
