/** What an implementation brings to the conformance suite, and the helper that opens and closes it for a test. */
import type { TestContext } from 'node:test';
import type { Clock } from '../../../src/contracts/clock.ts';
import type { Log, TopicOptions } from '../../../src/contracts/log.ts';

/** What not every log can do. A test that needs a feature is skipped, by name, where it is false. */
export interface LogFeatures {
  /** Takes records and makes topics. Without it, `source` makes the records, and only the reading half is kept. */
  readonly appends: boolean;
  /** An append is all or nothing over the partitions of one call. */
  readonly atomicAppend: boolean;
  /** Offsets of a partition have no gaps. */
  readonly contiguousOffsets: boolean;
  /** Takes a value of RECORD_VALUE_BYTES_MAX without being set up for it. */
  readonly largestValue: boolean;
  /** `enforceRetention` removes, at once, what is too old (or too much), and says so. */
  readonly retentionByAge: boolean;
  readonly retentionBySize: boolean;
  /** Records are still there after `reopen`. */
  readonly persistent: boolean;
  /** `second` gives another process's view of the same log. */
  readonly manyProcesses: boolean;
  /** Has `openTransactions`. */
  readonly transactions: boolean;
  /** Keeps `compacted` and `recordBytesMax` of a topic. */
  readonly shapedTopics: boolean;
}

export interface LogUnderTest {
  readonly log: Log;
  /** The clock that the log goes by. It has to run, because the suite waits. */
  readonly clock: Clock;
  /** How records come to be on a log that nobody appends to. */
  readonly source?: {
    readonly topic: string;
    /** Makes records, some of them in partition 0. */
    readonly more: () => Promise<void>;
  };
  /** Closes the log and opens it again. */
  readonly reopen?: () => Promise<Log>;
  /** Another connection to the same log. Closed by `close`. */
  readonly second?: () => Promise<Log>;
  readonly close: () => Promise<void>;
}

export interface LogSetup {
  readonly create: () => Promise<LogUnderTest>;
  readonly features: LogFeatures;
  /** Put before the names of topics, where these outlive a run. */
  readonly topicPrefix?: string;
}

export interface Bench extends LogUnderTest {
  /** A name that no other test uses. */
  readonly topicName: () => string;
  /** A new topic with a name of its own. */
  readonly topic: (partitions: number, retention?: Omit<TopicOptions, 'partitions'>) => Promise<string>;
}

let topicsNamed = 0;

/** Opens the log for one test, and closes it after. */
export async function openBench(t: TestContext, setup: LogSetup): Promise<Bench> {
  const under = await setup.create();
  t.after(() => under.close());
  const topicName = () => `${setup.topicPrefix ?? ''}contract-${(topicsNamed += 1)}`;
  return {
    ...under,
    topicName,
    topic: async (partitions, retention = {}) => {
      const name = topicName();
      await under.log.createTopic(name, { partitions, ...retention });
      return name;
    },
  };
}

export function hasCode(code: string, ...words: string[]): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== code) return false;
    return words.every((word) => error.message.includes(word));
  };
}
