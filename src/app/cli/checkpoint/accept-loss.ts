/** `checkpoint accept-loss`: lists the losses that stop every run, and accepts the named ones. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import { acceptLoss as acceptInCheckpoint } from '../../compose.ts';
import type { DataLoss, PlannedRange } from '../../../contracts/batch.ts';
import type { AcceptedLoss, CheckpointView } from '../../../contracts/checkpoint.ts';
import { TallystreamError } from '../../../errors.ts';
import type { Context } from '../context.ts';
import { lossText } from './loss-text.ts';
import { createOutput, jsonLine } from '../output.ts';
import { ofCheckpoint, openView } from '../view.ts';

/** As for a refused query: a person must decide. */
const EXIT_RAISED = 5;
const RANGE = /^(\d{1,10}):(\d{1,15})-(\d{1,15})$/;

interface Losses {
  readonly raised: readonly DataLoss[];
  readonly accepted: readonly AcceptedLoss[];
}

/** Without ranges and without `--all` it changes nothing. */
export async function acceptLoss(context: Context, words: readonly string[]): Promise<number> {
  const all = context.isSet('all');
  const ranges = words.map(rangeOf);
  if (all && ranges.length > 0) {
    throw new TallystreamError('USAGE', {
      what: 'Ranges and --all cannot be used together.',
      why: 'Both select the losses to accept.',
      hint: 'Give either ranges or --all.',
    });
  }
  const asked = all ? 'all' : ranges;
  const isAsked = all || ranges.length > 0;
  const now = isAsked
    ? await ofCheckpoint(context, () => acceptInCheckpoint(context.config, context.clock, asked))
    : [];
  const view = await openView(context);
  let losses: Losses;
  try {
    losses = view.atOneCommit(() => lossesOf(view));
  } finally {
    view.close();
  }
  const write = await createOutput();
  await write(context.json ? jsonLine(jsonOf(losses, now)) : textOf(losses, now));
  return losses.raised.length > 0 ? EXIT_RAISED : 0;
}

/** @throws USAGE */
function rangeOf(word: string): PlannedRange {
  const [, partition, first, last] = RANGE.exec(word) ?? [];
  if (partition === undefined || Number(first) > Number(last)) {
    throw new TallystreamError('USAGE', {
      what: `${JSON.stringify(word)} is not a range of records.`,
      why: 'A range is partition:first-last with the first and the last offset, for example 0:60-99.',
      hint: 'Give the ranges as `tallystream checkpoint accept-loss` lists them.',
    });
  }
  return { partition: Number(partition), start: Number(first), end: Number(last) + 1 };
}

function lossesOf(view: CheckpointView): Losses {
  return { raised: view.raisedLosses(), accepted: view.acceptedLosses() };
}

function jsonOf({ raised, accepted }: Losses, now: readonly AcceptedLoss[]): unknown {
  const acceptedJson = ({ acceptedAtMs, ...loss }: AcceptedLoss) => ({
    ...loss,
    acceptedAt: new Date(acceptedAtMs).toISOString(),
  });
  return {
    schemaVersion: 1,
    raised,
    acceptedNow: now.map(acceptedJson),
    accepted: accepted.map(acceptedJson),
  };
}

function textOf({ raised, accepted }: Losses, now: readonly AcceptedLoss[]): string {
  const lines: string[] = [];
  for (const loss of now) lines.push(`accepted as lost: ${lossText(loss)}`);
  for (const loss of raised) {
    lines.push(`${nameOf(loss).padEnd(24)}${lossText(loss)}. ${loss.why}`);
  }
  if (raised.length > 0) {
    const example = nameOf(raised[0] as DataLoss);
    lines.push(
      '',
      'Every run stops with DATA_LOSS until the log has these records again, or until you accept them as lost:',
      `  tallystream checkpoint accept-loss ${example}     (or --all)`,
      'The query then reads what the log has from these offsets on. It recognises records that it already counted by their event ids.',
    );
  } else if (now.length === 0) {
    lines.push(
      accepted.length === 0
        ? 'Nothing was lost.'
        : `There is no loss to accept; ${accepted.length} accepted earlier (checkpoint show lists them).`,
    );
  }
  return `${lines.map((line) => escapeForTerminal(line)).join('\n')}\n`;
}

function nameOf({ partition, start, end }: DataLoss): string {
  return `${partition}:${start}-${end - 1}`;
}
