/**
 * Tests a stream with scripts, like Spark's StreamTest: add data, check the answer, crash, start again. The query runs
 * on a manual clock, and on a checkpoint that is deleted afterwards.
 */
import { rm } from 'node:fs/promises';
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { Action } from './actions.ts';
import { ScriptRunner } from './script-runner.ts';
import { StreamTestError } from './stream-test-error.ts';
import type { SelectingOptions, TestedStream, TestStreamOptions } from './tested-stream.ts';

const STEP_TIMEOUT_MS = 10_000;

/**
 * Runs the actions one after another. The query starts when the first action needs it. A session runs one script at a
 * time.
 * @throws StreamTestError at the first action that fails, with the whole script, an arrow at that step, what was
 * expected and what was found
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
