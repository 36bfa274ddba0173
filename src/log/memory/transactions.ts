/** Transactions in memory: what is appended waits with its writer, and takes its offsets when it is committed. */
import type { RecordInPlace, RecordInput, TransactionalWriter } from '../../contracts/log.ts';
import { checkWriterName, writerFenced, WriterTurns } from '../shared/writer-turns.ts';

/** Decides what an append is to write; the function that it gives writes it, and cannot fail. */
export type PlanAppend = (
  topic: string,
  records: readonly RecordInput[],
  inPlaceOf?: RecordInPlace,
) => () => void;

export class MemoryWriters {
  private readonly plan: PlanAppend;
  private readonly wake: () => void;
  private readonly current = new Map<string, TransactionalWriter>();

  /** `wake` is called when a commit has been written. */
  constructor(plan: PlanAppend, wake: () => void) {
    this.plan = plan;
    this.wake = wake;
  }

  /** @throws CONFIG_INVALID */
  open(name: string): TransactionalWriter {
    checkWriterName(name);
    const { plan, wake, current } = this;
    const turns = new WriterTurns(name);
    const waiting: (() => void)[] = [];
    const checkFence = () => {
      if (current.get(name) !== writer) throw writerFenced(name, 'Another writer with this name was opened.');
    };
    const writer: TransactionalWriter = {
      append: (topic, records, inPlaceOf) =>
        turns.append(topic, async () => {
          checkFence();
          waiting.push(plan(topic, records, inPlaceOf));
        }),
      commit: () =>
        turns.end('commit', async () => {
          if (waiting.length === 0) return;
          checkFence();
          for (const write of waiting.splice(0)) write();
          wake();
        }),
      abort: () =>
        turns.end('abort', async () => {
          if (waiting.length > 0) checkFence();
          waiting.length = 0;
        }),
      close: async () => {
        turns.close();
      },
    };
    current.set(name, writer);
    return writer;
  }
}
