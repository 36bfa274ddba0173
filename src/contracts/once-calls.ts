/**
 * The calls of `onceInSqlite` and `onceInPostgres` within one call of a handler. A ledger cannot tell the second call of a
 * name in a batch from a repeat of the batch, and would leave its writes out.
 */

/** Copied by a spread of the batch's information, which programs make. */
const CALLS = Symbol('calls of once');

interface Tracked {
  readonly [CALLS]?: Set<string>;
}

/** `info` with a memory of the calls that are made with it. */
export function withOnceCalls<Info extends object>(info: Info): Info {
  return { ...info, [CALLS]: new Set<string>() };
}

/** The calls that were run with this information; undefined if it is not of a handler's call. */
export function onceCallsOf(info: object): Set<string> | undefined {
  return (info as Tracked)[CALLS];
}
