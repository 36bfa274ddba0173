/** `produce`: writes purchase events, generated or from a file, to the log. */
import { join } from 'node:path';
import { openLog } from '../compose.ts';
import type { RetentionRemoval } from '../../contracts/log.ts';
import { deliverLines, type Resumed } from '../../producer/lines/deliver.ts';
import { deliver } from '../../producer/deliver.ts';
import type { DeliveryOptions, DeliverySummary, RetryNotice } from '../../producer/delivery.ts';
import { type Input, openFileInput, openStreamInput } from '../../producer/lines/input.ts';
import { createProgressLine, type ProgressLine } from '../../producer/progress.ts';
import type { RecordInput } from '../../contracts/log.ts';
import { describeTimeOrder } from '../../producer/lines/time-order.ts';
import { TallystreamError } from '../../errors.ts';
import type { Context } from './context.ts';
import { createOutput } from './output.ts';
import { prepareTopic } from './topic/settings.ts';
import {
  deliveryBasics,
  deliverySignals,
  eventsMaxOf,
  generatedSource,
  paceOf,
  seedOf,
} from './producer-flags.ts';

/** The fields of a purchase that the producer reads: the record's key, and the time for its warnings. */
const PURCHASE_FIELDS = { keyField: 'customer_id', timestampField: 'timestamp' };

type Basics = Omit<DeliveryOptions<RecordInput>, 'source' | 'onAcknowledged'>;

export async function produce(context: Context): Promise<number> {
  refuseContradictions(context);
  const { config, clock, signals } = context;
  const progress = createProgressLine({
    stream: process.stderr,
    isTerminal: process.stderr.isTTY,
    columns: () => process.stderr.columns,
  });
  const seed = seedOf(context);
  const from = context.flag('from');
  // Created first, so that a wrong flag or a missing file ends the command before anything runs.
  const source = generatedSource(context, seed);
  const input = from === undefined ? undefined : await openInput(from);
  const ended = deliverySignals(signals, clock);
  try {
    const log = await openLog(config, clock, {
      giveUp: ended.giveUp,
      onWaiting: (words) => progress.note(words),
    });
    try {
      const created = await prepareTopic(config, log);
      if (created !== undefined) progress.note(created);
      const basics: Basics = {
        log,
        topic: config.log.topic,
        clock,
        pace: paceOf(rateOf(context), clock),
        ...deliveryBasics(config, seed),
        ...eventsMaxOf(context),
        stop: ended.stop,
        giveUp: ended.giveUp,
        abort: ended.abort,
        onProgress: (figures) => progress.update(figures),
        onRetry: (notice) => progress.note(describeRetry(notice)),
        onRetention: (removals) => removals.forEach((removal) => progress.note(describeRemoval(removal))),
      };
      if (input === undefined) {
        progress.note(
          `Producing purchase events to ${basics.topic}. --seed ${seed} generates the same events again, except for their time.`,
        );
      }
      const summary = await (input === undefined
        ? deliver({ ...basics, source })
        : produceLines(context, basics, input, progress));
      if (summary.gaveUp !== undefined) progress.note(describeGivenUp(summary.gaveUp));
      progress.finish(summary);
      if (context.json) await writeSummary(summary);
      return ended.exitCode();
    } finally {
      await log.close();
    }
  } catch (error) {
    // The log was not available before anything was delivered, and the user ended the command meanwhile.
    const isAway = error instanceof TallystreamError && error.code === 'LOG_UNAVAILABLE';
    if (!isAway || !ended.giveUp.aborted) throw error;
    progress.note(`Nothing was delivered. ${error.message}`);
    return ended.exitCode();
  } finally {
    ended.release();
    // Node reports an open file that is garbage collected. Closing it twice does nothing.
    await input?.close();
  }
}

async function openInput(from: string): Promise<Input> {
  return from === '-' ? openStreamInput(process.stdin) : openFileInput(from);
}

async function produceLines(
  context: Context,
  basics: Basics,
  input: Input,
  progress: ProgressLine,
): Promise<DeliverySummary> {
  const name = context.flag('resume');
  const folder = join(context.config.dataDir, 'producers');
  const resendLost = context.isSet('resend-lost');
  const summary = await deliverLines({
    ...basics,
    input,
    fields: PURCHASE_FIELDS,
    ...(name === undefined ? {} : { resume: { name, folder, resendLost } }),
    onResumed: (resumed) => progress.note(describeResumed(name ?? '', resumed)),
    onOutOfOrder: (report) => progress.note(`Warning: ${describeTimeOrder(input.name, report)}`),
  });
  const order = summary.timeOrder;
  if (order !== undefined && order.linesBack > 1) {
    progress.note(`Warning: ${order.linesBack} lines of ${input.name} were not in order of time.`);
  }
  return summary;
}

/** A file is sent as fast as the log accepts it, unless the user set a rate. */
function rateOf(context: Context): number | 'max' {
  const { ratePerSecond } = context.config.producer;
  if (context.flag('from') === undefined) return ratePerSecond;
  const setting = context.loaded.settings.find(({ key }) => key.path === 'producer.rate');
  return setting?.origin.kind === 'flag' || setting?.origin.kind === 'environment' ? ratePerSecond : 'max';
}

function refuseContradictions(context: Context): void {
  const from = context.flag('from');
  const generating = ['seed', 'start-time', 'time-scale'].find((flag) => context.isSet(flag));
  if (from !== undefined && generating !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `--from and --${generating} cannot be used together.`,
      why: 'The lines of a file are sent unchanged. Only generated events have a seed and a start time.',
      hint: `Remove --from or --${generating}.`,
    });
  }
  if (from === undefined && context.isSet('resume')) {
    throw new TallystreamError('USAGE', {
      what: '--resume needs --from.',
      why: 'It continues the delivery of a file.',
    });
  }
  if (context.isSet('resend-lost') && !context.isSet('resume')) {
    throw new TallystreamError('USAGE', {
      what: '--resend-lost needs --resume.',
      why: 'It resends lines that were acknowledged under the name given to --resume.',
    });
  }
}

function describeRetry({ error, attempt, pauseMs }: RetryNotice): string {
  return `The log did not accept the events (attempt ${attempt}): ${error.message} Retrying in ${Math.round(pauseMs)} ms.`;
}

function describeGivenUp(error: Error): string {
  return `The log did not accept the events in flight in time: ${error.message}`;
}

function describeRemoval({ topic, partition, start, end, bytes, reason }: RetentionRemoval): string {
  return `Retention (${reason}) removed offsets ${start} to ${end - 1} of ${topic}/${partition}, ${bytes} bytes.`;
}

function describeResumed(name: string, { from, foundInLog, sentAgain, finished }: Resumed): string {
  if (finished) return `${name}: all ${from.lines + foundInLog} lines are already in the log.`;
  const again = sentAgain === 0 ? '' : ` ${sentAgain} lines that the log has lost are sent again.`;
  return `${name}: continuing after line ${from.lines}; ${foundInLog} later lines are already in the log.${again}`;
}

async function writeSummary(summary: DeliverySummary): Promise<void> {
  const { acknowledged, unacknowledged, bytes, elapsedMs, ratePerSecond, retries, lastOffsets } = summary;
  const write = await createOutput();
  await write(
    `${JSON.stringify({ schemaVersion: 1, acknowledged, unacknowledged, bytes, elapsedMs, ratePerSecond, retries, lastOffsets })}\n`,
  );
}
