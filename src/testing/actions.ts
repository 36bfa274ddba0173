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
 * Rows that come into the source, to one partition or spread over all. Rows of actions that follow one another are there
 * together: the next batch has them all.
 */
export function addData<S extends Schema>(
  source: MemoryStream<S>,
  rows: readonly RowOf<NoInfer<S>>[],
  partition?: number,
): Action<never> {
  const label = `addData(${listText(rows)}${partition === undefined ? '' : `, partition ${partition}`})`;
  return { kind: 'add', label, append: () => source.addData(rows, partition) };
}

/** Records as they would come from outside, good or bad. */
export function addBytes(
  source: Pick<MemoryStream<Schema>, 'addBytes'>,
  values: readonly (string | Uint8Array | null)[],
  partition?: number,
): Action<never> {
  const label = `addBytes(${listText(values)}${partition === undefined ? '' : `, partition ${partition}`})`;
  return { kind: 'add', label, append: () => source.addBytes(values, partition) };
}

/** Lets the query commit all that is there. The checks do so by themselves. */
export function processAllAvailable(): Action<never> {
  return { kind: 'processAllAvailable', label: 'processAllAvailable()' };
}

interface CheckOptions {
  /** Whether the rows have to come in this order; left out, they may come in any. */
  readonly inOrder?: boolean;
}

/** All that the query has emitted so far; in complete mode, the last result. A batch that was repeated counts once. */
export function checkAnswer<Answer>(rows: readonly Answer[], options: CheckOptions = {}): Action<Answer> {
  return check('checkAnswer', 'all', rows, options);
}

/** What the query has emitted since the check before; in complete mode, the last result, if there is a new one. */
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

/** The verdicts on all that was read so far: `checkAccounting({ accepted: 3, late: 1 })`; what is left out may be any. */
export function checkAccounting(expected: Partial<Accounting>): Action<never> {
  return { kind: 'checkAccounting', label: `checkAccounting(${textOf(expected)})`, expected };
}

/**
 * The end of the process in the middle of the next batch: before the sinks have it, or (if left out) after that and
 * before the commit. If there is no next batch the query just ends. What it held in memory is gone.
 */
export function crash(at: CrashPoint = 'before the commit'): Action<never> {
  return { kind: 'crash', label: `crash(${textOf(at)})`, at };
}

/** Starts the query again from its checkpoint, when the next action needs it. */
export function restart(): Action<never> {
  return { kind: 'restart', label: 'restart()' };
}

/** Ends the query after the current batch. */
export function stop(): Action<never> {
  return { kind: 'stop', label: 'stop()' };
}

/** Moves the clock, and waits until the query has done what was due. */
export function advanceClock(durationMs: number): Action<never> {
  return { kind: 'advanceClock', label: `advanceClock(${durationMs} ms)`, durationMs };
}

/** A look at the running query: the step fails where `assertion` throws or gives false. It processes nothing before. */
export function assertOnQuery(assertion: Assertion, title?: string): Action<never> {
  return { kind: 'assertOnQuery', label: `assertOnQuery(${title ?? assertion.toString()})`, assertion };
}

/** What is there makes the query fail: with this code, or with a message that the pattern matches. */
export function expectFailure(expected: ErrorCode | RegExp): Action<never> {
  const text = typeof expected === 'string' ? textOf(expected) : expected.toString();
  return { kind: 'expectFailure', label: `expectFailure(${text})`, expected };
}
