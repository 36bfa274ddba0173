/** Which events of a batch were rejected and why, for the one line that says so if it was all of them. */
import { escapeForTerminal } from '../../columns/format/escape.ts';
import type { Problem, Reason } from '../../columns/decode/problem.ts';
import type { Accounting } from '../../contracts/batch.ts';
import type { Logger } from '../../contracts/logger.ts';

/** The most frequent kind of rejection in a batch. */
export interface RejectionSummary extends Pick<Problem, 'reason' | 'field' | 'expected'> {
  readonly events: number;
  /** Of the first event of this kind: where it is in the log, and what stood there. */
  readonly example: { readonly partition: number; readonly offset: number; readonly actual: string };
}

interface Kind {
  readonly example: Problem;
  readonly partition: number;
  readonly offset: number;
  count: number;
}

/** A schema bounds fields and reasons, except for the indexes of arrays: what is beyond is counted with the reason alone. */
const KINDS_MAX = 200;
/** Of an event's own text, in a log line. */
const EXAMPLE_CHARACTERS_MAX = 60;

export class Rejections {
  private readonly kinds = new Map<string, Kind>();

  clear(): void {
    this.kinds.clear();
  }

  add(problem: Problem, partition: number, offset: number): void {
    const field = problem.field?.replace(/\[\d+\]/g, '[]') ?? '';
    const name = `${problem.reason} ${this.kinds.size < KINDS_MAX ? field : ''}`;
    const kind = this.kinds.get(name);
    if (kind === undefined) this.kinds.set(name, { example: problem, partition, offset, count: 1 });
    else kind.count += 1;
  }

  /** The most frequent kind, if no event of the batch was accepted or known; undefined otherwise. */
  summary({ accepted, duplicate, invalid }: Accounting): RejectionSummary | undefined {
    if (accepted > 0 || duplicate > 0 || invalid === 0) return undefined;
    const [first] = [...this.kinds.values()].toSorted((a, b) => b.count - a.count);
    if (first === undefined) return undefined;
    const { example, partition, offset, count } = first;
    const actual = example.actual.slice(0, EXAMPLE_CHARACTERS_MAX);
    return {
      reason: example.reason,
      field: example.field === null ? null : escapeForTerminal(example.field),
      events: count,
      expected: example.expected,
      example: { partition, offset, actual: escapeForTerminal(actual) },
    };
  }
}

const CAUSES: Readonly<Partial<Record<Reason, string>>> = {
  MALFORMED_JSON:
    'The input is probably not one JSON object per line: pretty-printed JSON, CSV and compressed input look like this.',
  INVALID_UTF8: 'The input is probably compressed, or in an encoding other than UTF-8.',
  MISSING_FIELD: 'These events probably have another schema.',
  FUTURE_TIMESTAMP: "Check this machine's clock, and the timestamps of the log's records.",
};

/** The mask of the log goes by names, so what stood in a field is there under its name. */
export function warnOfRejections(logger: Logger, batchId: number, read: number, of: RejectionSummary): void {
  const { reason, field, expected, events, example } = of;
  const { partition, offset, actual } = example;
  const cause = CAUSES[reason];
  logger.warn(
    {
      operation: 'rejected',
      batchId,
      read,
      reason,
      field,
      events,
      example: { partition, offset, [field ?? 'event']: actual },
    },
    `No event of this batch was accepted: ${events} of ${read} are ${reason}${field === null ? '' : ` in ${field}`}, expected ${expected}.` +
      `${cause === undefined ? '' : ` ${cause}`} They are among the dead letters.`,
  );
}
