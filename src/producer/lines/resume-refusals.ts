/** What a named delivery says when the log no longer has what it acknowledged. */
import { TallystreamError } from '../../errors.ts';
import type { LineRange } from './line-set.ts';
import type { PartitionBreak, Remains } from './lost-lines.ts';
import type { ResumeOptions } from './resume-options.ts';

/** More ranges or partitions than these say no more to a reader. */
const SHOWN_MAX = 10;

const CAUSES =
  'The log was rolled back to an older state: an older copy was restored, or the brokers lost its last records (a broker died before it wrote them, or an unclean leader election took place).';

export function linesLost(
  { name, topic }: ResumeOptions,
  { lost, lostCount }: Remains,
  breaks: readonly PartitionBreak[],
): TallystreamError {
  const many = lostCount !== 1;
  return new TallystreamError('DATA_LOSS', {
    what: `${lostCount} ${many ? 'lines' : 'line'} that '${name}' delivered to topic '${topic.name}' ${many ? 'are' : 'is'} no longer in the log: ${listed(lost.map(rangeText))}.`,
    why: `${CAUSES} ${capitalised(listed(breaks.map(({ why }) => why)))}.`,
    hint: `Restore the newer log, or run the same command with --resend-lost, which sends exactly these lines again. An event that the query has already read is still counted once, by its id.`,
  });
}

/** The log gave an offset again while the producer was running. */
export function wentBackNow(
  { name, topic }: ResumeOptions,
  at: { readonly partition: number; readonly baseOffset: number; readonly known: number },
): TallystreamError {
  const { partition, baseOffset, known } = at;
  return new TallystreamError('DATA_LOSS', {
    what: `Topic '${topic.name}' lost records of '${name}' while it was delivering: partition ${partition} assigned offset ${baseOffset} after ${known} had been acknowledged.`,
    why: CAUSES,
    hint: 'Run the same command again: it reports which lines are no longer in the log.',
  });
}

function rangeText({ first, last }: LineRange): string {
  return first === last ? `line ${first}` : `lines ${first} to ${last}`;
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, SHOWN_MAX);
  const left = texts.length - shown.length;
  return `${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
