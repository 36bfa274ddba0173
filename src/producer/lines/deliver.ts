import { TallystreamError } from '../../errors.ts';
import { deliver } from '../deliver.ts';
import type { DeliveryOptions, DeliverySummary } from '../delivery.ts';
import type { Input } from './input.ts';
import type { LineFields } from './line-facts.ts';
import type { LinePosition } from './lines.ts';
import { createNdjsonSource, type LineRecord } from './ndjson.ts';
import { openResumption, type Resumption } from './resume.ts';
import type { TimeOrderReport } from './time-order.ts';

export interface LineDeliveryOptions extends Omit<DeliveryOptions<LineRecord>, 'source' | 'onAcknowledged'> {
  /** Closed at the end in every case. */
  readonly input: Input;
  readonly fields: LineFields;
  /** A name under which delivery continues after a kill; `folder` is `<data-dir>/producers`. */
  readonly resume?: { readonly name: string; readonly folder: string; readonly resendLost?: boolean };
  /** Called before the first line is read, if the name was used before. */
  onResumed?(resumed: Resumed): void;
  /** Called once, at the first line that is out of order of time; `describeTimeOrder` puts it into words. */
  onOutOfOrder?(report: TimeOrderReport): void;
}

export interface Resumed {
  /** Where this run continues. */
  readonly from: LinePosition;
  /** Lines after that which a run before has brought into the log. */
  readonly foundInLog: number;
  /** Acknowledged lines that the log lost, and that are sent again. */
  readonly sentAgain: number;
  /** Whether nothing is left to deliver. */
  readonly finished: boolean;
}

export interface LineDeliverySummary extends DeliverySummary {
  /** Undefined while every line came in order of time. */
  readonly timeOrder: TimeOrderReport | undefined;
}

/**
 * Delivers the lines of an input, and under a name every line exactly once, however often it is killed between.
 * @throws what `deliver` and `openResumption` throw; INPUT_UNREADABLE and RECORD_TOO_LARGE after all lines before
 */
export async function deliverLines(options: LineDeliveryOptions): Promise<LineDeliverySummary> {
  try {
    const resumption = await openNamed(options);
    try {
      return await deliverFrom(options, resumption);
    } finally {
      await resumption?.close();
    }
  } finally {
    await options.input.close();
  }
}

async function openNamed(options: LineDeliveryOptions): Promise<Resumption | undefined> {
  const { resume, log, input, clock } = options;
  if (resume === undefined) return undefined;
  const topic = await log.describeTopic(options.topic);
  if (topic === undefined) {
    throw new TallystreamError('TOPIC_NOT_FOUND', { what: `There is no topic '${options.topic}'.` });
  }
  return openResumption({ ...resume, log, topic, input, clock });
}

async function deliverFrom(
  options: LineDeliveryOptions,
  resumption: Resumption | undefined,
): Promise<LineDeliverySummary> {
  const { clock, fields } = options;
  const source = createNdjsonSource({
    input: resumption?.input ?? options.input,
    clock,
    fields,
    ...(resumption && { from: resumption.from, marks: resumption.marks }),
    onOutOfOrder: (report) => options.onOutOfOrder?.(report),
  });
  if (resumption && resumption.from.lines + resumption.foundInLog + resumption.sentAgain > 0)
    options.onResumed?.(resumption);
  const summary = await deliver<LineRecord>({
    ...options,
    source,
    onAcknowledged: (records, ranges) => resumption?.acknowledged(records, ranges),
  });
  // Lines that were found in the log are never acknowledged again: after the last batch they have to be counted, too.
  if (summary.unacknowledged === 0 && !summary.aborted && !summary.gaveUp)
    await resumption?.complete(source.position);
  return { ...summary, timeOrder: source.timeOrder() };
}
