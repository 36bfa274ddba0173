/** Returned when the operation was aborted. */
export const ABORTED = Symbol('aborted');

/**
 * The work's answer, or {@link ABORTED} as soon as `signal` aborts; the work itself continues, and its result is ignored.
 * Promise.race with one lasting promise would keep a reaction for every call as long as the process lives; this takes
 * its listener back.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | typeof ABORTED> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(ABORTED);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
