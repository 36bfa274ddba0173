import type { AppendedRange, Log, RecordInput, RetentionRemoval } from '../../src/contracts/log.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { TallystreamError } from '../../src/errors.ts';

/** What one call of `append` does: an error, a wait for `release`, or nothing special. */
export type Step = ErrorCode | 'hang' | 'ok';

export interface ScriptedLog extends Log {
  /** Values of the appended records as text, in the order of the log. */
  readonly values: string[];
  /** Number of records of every successful append. */
  readonly batches: number[];
  /** Calls of `append`, those that failed included. */
  readonly calls: () => number;
  readonly retentionCalls: () => number;
  release(): void;
}

/** A log of one partition whose appends go as the script says; after its end all succeed. */
export function scriptedLog(
  script: readonly Step[] = [],
  removals: readonly RetentionRemoval[] = [],
): ScriptedLog {
  const values: string[] = [];
  const batches: number[] = [];
  const gate = Promise.withResolvers<undefined>();
  let calls = 0;
  let retentionCalls = 0;
  const unused = (): never => {
    throw new Error('The producer has no business with this call.');
  };
  return {
    format: 'memory',
    values,
    batches,
    calls: () => calls,
    retentionCalls: () => retentionCalls,
    release: () => gate.resolve(undefined),
    async append(_topic, records: readonly RecordInput[]): Promise<readonly AppendedRange[]> {
      const step = script[calls] ?? 'ok';
      calls += 1;
      if (step === 'hang') await gate.promise;
      else if (step !== 'ok') throw new TallystreamError(step, { what: 'The scripted log is away.' });
      const baseOffset = values.length;
      for (const record of records) values.push(Buffer.from(record.value ?? []).toString());
      batches.push(records.length);
      return [{ partition: 0, baseOffset, count: records.length }];
    },
    setRetention: () => Promise.resolve(),
    enforceRetention() {
      retentionCalls += 1;
      return Promise.resolve(removals);
    },
    createTopic: unused,
    describeTopic: unused,
    listTopics: unused,
    deleteTopic: unused,
    offsets: unused,
    read: unused,
    waitForRecords: unused,
    close: () => Promise.resolve(),
  };
}
