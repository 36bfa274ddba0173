/** Records that a log does not take, and what is written in their place. */
import type { RecordInPlace, RecordInput, RecordRefusal } from '../../contracts/log.ts';
import { isRecordTooLarge } from './errors.ts';

/**
 * The records, with another in place of each that is refused, as far as `inPlaceOf` has one. What is refused all the same is
 * left for the append to name.
 */
export function fitRecords(
  records: readonly RecordInput[],
  inPlaceOf: RecordInPlace | undefined,
  refusalOf: (record: RecordInput) => RecordRefusal | undefined = refusalOfEveryLog,
): readonly RecordInput[] {
  if (inPlaceOf === undefined || records.every((record) => refusalOf(record) === undefined)) return records;
  return records.map((record) => {
    let fitting: RecordInput | undefined = record;
    let refusal = refusalOf(record);
    while (refusal !== undefined && fitting !== undefined) {
      fitting = inPlaceOf(fitting, refusal);
      refusal = fitting && refusalOf(fitting);
    }
    return fitting ?? record;
  });
}

function refusalOfEveryLog(record: RecordInput): RecordRefusal | undefined {
  return isRecordTooLarge(record) ? 'too large' : undefined;
}
