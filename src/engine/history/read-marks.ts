/** The marks of what a batch reads of one partition, as many as are worth keeping. */
import type { HistoryMark, PartitionMark } from '../../contracts/log.ts';

/** A large batch has hundreds of chunks; after a log went back, these are close enough to find where. */
const MARKS_MAX = 16;

export class ReadMarks {
  private marks: HistoryMark[] = [];

  add(mark: HistoryMark): void {
    this.marks.push(mark);
    // Every other one goes, and the newest never.
    if (this.marks.length > 2 * MARKS_MAX) this.marks = this.marks.filter((_, at) => at % 2 === 0);
  }

  get newest(): HistoryMark | undefined {
    return this.marks.at(-1);
  }

  of(partition: number): PartitionMark[] {
    return this.marks.map((mark) => ({ partition, mark }));
  }
}
