/** The actions of a script for {@link testStream}: data, which the runner runs one after another. */
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { Accounting } from '../contracts/batch.ts';
import type { ErrorCode } from '../errors.ts';
import type { MemoryStream } from '../stream/memory-stream.ts';
import type { StreamingQuery } from '../stream/query.ts';
import { listText, textOf } from './value-text.ts';

interface Labelled {
  /** The action as a script shows it. */
  readonly label: string;
}

interface AddAction extends Labelled {
  readonly kind: 'add';
  readonly append: () => Promise<void>;
}

interface PlainAction extends Labelled {
  readonly kind: 'processAllAvailable' | 'restart' | 'stop';
}

/** `scope` says of which batches: all, or those since the last check. */
interface CheckAction<Answer> extends Labelled {
  readonly kind: 'check';
  readonly scope: 'all' | 'new';
  readonly rows: readonly Answer[];
  readonly inOrder: boolean;
}

interface AccountingAction extends Labelled {
  readonly kind: 'checkAccounting';
  readonly expected: Partial<Accounting>;
}

export type CrashPoint = 'before the sink' | 'before the commit';

interface CrashAction extends Labelled {
  readonly kind: 'crash';
  readonly at: CrashPoint;
}

interface ClockAction extends Labelled {
  readonly kind: 'advanceClock';
  readonly durationMs: number;
}

type Assertion = (query: StreamingQuery) => unknown;

interface AssertAction extends Labelled {
  readonly kind: 'assertOnQuery';
  readonly assertion: Assertion;
}

interface FailureAction extends Labelled {
  readonly kind: 'expectFailure';
  readonly expected: ErrorCode | RegExp;
}

/** One step of a script whose checks are about answers of the type `Answer`. */
export type Action<Answer> =
  | AddAction
  | PlainAction
  | CheckAction<Answer>
  | AccountingAction
  | CrashAction
  | ClockAction
  | AssertAction
  | FailureAction;

/**
 * Adds rows to the source, to one partition or spread over all. Consecutive additions arrive together: the next batch
 * reads all of them.
 */
export function addData<S extends Schema>(
  source: MemoryStream<S>,
  rows: readonly RowOf<NoInfer<S>>[],
  partition?: number,
): Action<never> {
  const label = `addData(${listText(rows)}${partition === undefined ? '' : `, partition ${partition}`})`;
  return { kind: 'add', label, append: () => source.addData(rows, partition) };
}

/** Adds raw records, valid or not, as an external producer would. */
export function addBytes(
  source: Pick<MemoryStream<Schema>, 'addBytes'>,
  values: readonly (string | Uint8Array | null)[],
  partition?: number,
): Action<never> {
  const label = `addBytes(${listText(values)}${partition === undefined ? '' : `, partition ${partition}`})`;
  return { kind: 'add', label, append: () => source.addBytes(values, partition) };
}

/** Waits until the query has committed everything in the source. The checks do this by themselves. */
export function processAllAvailable(): Action<never> {
  return { kind: 'processAllAvailable', label: 'processAllAvailable()' };
}

interface CheckOptions {
  /** Whether the rows must be in this order. The default is any order. */
  readonly inOrder?: boolean;
}

/** Checks all rows that the query has emitted so far; in complete mode, its last result. A repeated batch counts once. */
export function checkAnswer<Answer>(rows: readonly Answer[], options: CheckOptions = {}): Action<Answer> {
  return check('checkAnswer', 'all', rows, options);
}

/**
 * Checks the rows that the query has emitted since the previous check; in complete mode, its last result, if there is
 * a new one.
 */
export function checkNewAnswer<Answer>(rows: readonly Answer[], options: CheckOptions = {}): Action<Answer> {
  return check('checkNewAnswer', 'new', rows, options);
}

function check<Answer>(
  name: string,
  scope: 'all' | 'new',
  rows: readonly Answer[],
  { inOrder = false }: CheckOptions,
): Action<Answer> {
  const label = `${name}(${listText(rows)}${inOrder ? ', in this order' : ''})`;
  return { kind: 'check', label, scope, rows, inOrder };
}

/**
 * Checks the accounting of everything read so far: `checkAccounting({ accepted: 3, late: 1 })`. Omitted counts are not
 * checked.
 */
export function checkAccounting(expected: Partial<Accounting>): Action<never> {
  return { kind: 'checkAccounting', label: `checkAccounting(${textOf(expected)})`, expected };
}

/**
 * Simulates the end of the process in the middle of the next batch: by default after the sinks and before the commit,
 * or before the sinks. Everything in memory is lost. If there is no next batch, the query just ends.
 */
export function crash(at: CrashPoint = 'before the commit'): Action<never> {
  return { kind: 'crash', label: `crash(${textOf(at)})`, at };
}

/** Starts the query again from its checkpoint, as soon as an action needs it. */
export function restart(): Action<never> {
  return { kind: 'restart', label: 'restart()' };
}

/** Ends the query after the current batch. */
export function stop(): Action<never> {
  return { kind: 'stop', label: 'stop()' };
}

/** Advances the clock, and waits until the query has done what became due. */
export function advanceClock(durationMs: number): Action<never> {
  return { kind: 'advanceClock', label: `advanceClock(${durationMs} ms)`, durationMs };
}

/**
 * Checks the running query: the step fails if `assertion` throws or returns false. It does not wait for unread data
 * first.
 */
export function assertOnQuery(assertion: Assertion, title?: string): Action<never> {
  return { kind: 'assertOnQuery', label: `assertOnQuery(${title ?? assertion.toString()})`, assertion };
}

/** Expects that the query fails on the data in its source, with this code or with a message that matches the pattern. */
export function expectFailure(expected: ErrorCode | RegExp): Action<never> {
  const text = typeof expected === 'string' ? textOf(expected) : expected.toString();
  return { kind: 'expectFailure', label: `expectFailure(${text})`, expected };
}
