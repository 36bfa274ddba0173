/** The signals that ask this process to end, each with the exit code a shell expects (128 + its number). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type EndSignal = keyof typeof EXIT_CODES;

/** Called with the signal and how often it has come, from 1; the second of a kind usually means: abort. */
export type SignalListener = (signal: EndSignal, count: number) => void;

export interface Signals {
  /**
   * Called by a command that has something to finish before it ends. While any listener is registered, a signal no
   * longer ends the process. Returns what takes the listener back; taking it back twice does nothing more.
   */
  readonly onSignal: (listener: SignalListener) => () => void;
  /**
   * Called by a command that only reads and has nothing to finish. From then on the system ends the process at a signal,
   * even in the middle of a long call into SQLite, in which no listener of ours could run.
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
 * `npm run` sends a terminal's Ctrl-C on to what it started, which the terminal has told already. Whether the copy
 * arrives depends on the shell between them, so under npm two in a quarter of a second are taken for one.
 */
const MERGE_UNDER_NPM_MS = 250;

const END_SIGNALS = Object.keys(EXIT_CODES) as EndSignal[];

/**
 * Listens to signals sent to this process and to those that the launcher forwards as `{ tallystreamSignal: name }`.
 *
 * One Ctrl-C in a terminal reaches launcher and child alike, so it arrives here twice: as a signal and as a message. The
 * larger of the two counts is therefore how often somebody asked. A signal that nobody listens to ends the process.
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
  // A process that listens to messages would otherwise stay alive for as long as whoever started it.
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
      // The first process of a container is sent no signal that it does not listen to.
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

/** Messages come from whoever started this process, so anything but the launcher's shape is ignored. */
function forwardedSignal(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'tallystreamSignal' in message
    ? message.tallystreamSignal
    : undefined;
}
