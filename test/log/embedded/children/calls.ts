/** What a child process appends, so that the test that started it knows. */
import type { RecordInput } from '../../../../src/contracts/log.ts';

/** Call n has between 1 and 40 records of up to 3 kB, alternating over two partitions. */
export function recordsOfCall(label: string, call: number): RecordInput[] {
  const count = 1 + ((call * 7) % 40);
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    value: Buffer.from(`${label} ${call} ${index} ${'.'.repeat((call * index) % 3_000)}`),
    partition: index % 2,
  }));
}

/** The label, call and index of a record, without its filling. */
export function nameOf(value: string | null): string {
  return value?.split(' ').slice(0, 3).join(' ') ?? '';
}
