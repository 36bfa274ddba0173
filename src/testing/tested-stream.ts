/** What a script tests, and how it runs its query. */
import type { RowOf } from '../columns/rows.ts';
import type { Schema } from '../columns/schema/schema.ts';
import type { OutputMode } from '../plan/query-plan.ts';
import type { StreamWriter } from '../stream/stream-writer.ts';
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
  /** `append` by default. */
  readonly outputMode?: OutputMode;
  /** Without a trigger, a batch runs only when an action asks for it. */
  readonly trigger?: Trigger;
  /** Configures the writer further: options, handlers under test, sinks. */
  readonly configure?: (writer: StreamWriter<S>) => StreamWriter<S>;
  /** How long an action may take before it fails, in milliseconds of real time; 10 seconds by default. */
  readonly stepTimeoutMs?: number;
}

/** Options with what the checks compare of a row, in place of the row. */
export interface SelectingOptions<S extends Schema, Answer> extends TestStreamOptions<S> {
  readonly select: (row: RowOf<S>) => Answer;
}
