/**
 * Tests of a stream as scripts, in the manner of Spark's StreamTest: add data, check the answer, crash, start again. The
 * query runs on a manual clock, and on a checkpoint that is gone afterwards.
 */
import { rm } from 'node:fs/promises';
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { OutputMode } from '../plan/query-plan.ts';
import type { StreamWriter } from '../stream/stream-writer.ts';
import type { Action } from './actions.ts';
import { ScriptRunner } from './script-runner.ts';
import { StreamTestError } from './stream-test-error.ts';
import type { TestSession } from './test-session.ts';

/** What a script tests: a stream, or an aggregate of one. */
export interface TestedStream<S extends Schema> {
  readonly writeStream: StreamWriter<S>;
}

type Trigger = Parameters<StreamWriter<Schema>['trigger']>[0];

/** How a script runs its query. */
export interface TestStreamOptions<S extends Schema> {
  /** The session that the stream was made in. */
  readonly session: TestSession;
  /** append where left out. */
  readonly outputMode?: OutputMode;
  /** Where left out, a batch runs when an action asks for it and at no other time. */
  readonly trigger?: Trigger;
  /** Gives the writer what else it needs: options, handlers under test, sinks. */
  readonly configure?: (writer: StreamWriter<S>) => StreamWriter<S>;
  /** How long an action may take before it fails, by the clock on the wall; 10 seconds where left out. */
  readonly stepTimeoutMs?: number;
}

/** Options with what the checks compare of a row, in place of the row. */
export interface SelectingOptions<S extends Schema, Answer> extends TestStreamOptions<S> {
  readonly select: (row: RowOf<S>) => Answer;
}

const STEP_TIMEOUT_MS = 10_000;

/**
 * Carries the actions out one after another. The query starts when the first of them needs it. One script at a time in a
 * session.
 * @throws StreamTestError at the first action that fails, with the whole script, an arrow at that step, what was expected
 * and what was there
 */
export function testStream<S extends Schema, Answer>(
  stream: TestedStream<S>,
  options: SelectingOptions<S, Answer>,
  ...actions: readonly Action<NoInfer<Answer>>[]
): Promise<void>;
export function testStream<S extends Schema>(
  stream: TestedStream<S>,
  options: TestStreamOptions<S>,
  ...actions: readonly Action<RowOf<S>>[]
): Promise<void>;
export async function testStream<S extends Schema>(
  stream: TestedStream<S>,
  options: TestStreamOptions<S> & Partial<SelectingOptions<S, unknown>>,
  ...actions: readonly Action<unknown>[]
): Promise<void> {
  const { session, stepTimeoutMs = STEP_TIMEOUT_MS } = options;
  const runner = new ScriptRunner(stream, options);
  try {
    for (const [step, action] of actions.entries()) {
      try {
        await runner.carryOut(action, stepTimeoutMs);
      } catch (failure) {
        const labels = actions.map(({ label }) => label);
        throw new StreamTestError({ labels, step, failure, batches: runner.seen() });
      }
    }
  } finally {
    await runner.close(stepTimeoutMs);
    await rm(session.dataDir, { recursive: true, force: true });
  }
}
