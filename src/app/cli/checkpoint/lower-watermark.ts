/** `checkpoint lower-watermark`: recovers after a clock was ahead and so made every later event late. */
import { formatTimestamp, TimestampParser } from '../../../columns/values/timestamp.ts';
import { lowerWatermark, type Lowering } from '../../compose.ts';
import { shownWord } from '../../../values/secrets.ts';
import { TallystreamError } from '../../../errors.ts';
import type { Context } from '../context.ts';
import { createOutput, jsonLine } from '../output.ts';
import { ofCheckpoint } from '../view.ts';

export async function lower(context: Context): Promise<number> {
  const { clock, config } = context;
  const toMicros = timeOf(context.flag('to'), clock.nowMs() * 1000);
  const dryRun = context.isSet('dry-run');
  const lowering = await ofCheckpoint(context, () => lowerWatermark(config, { clock, toMicros, dryRun }));
  const write = await createOutput();
  await write(context.json ? jsonLine(jsonOf(lowering, toMicros, dryRun)) : describe(lowering, dryRun));
  return 0;
}

/** @throws USAGE */
function timeOf(text: string | undefined, nowMicros: number): number {
  if (text === 'now') return nowMicros;
  const full = text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : (text ?? '');
  const bytes = new TextEncoder().encode(full);
  const parser = new TimestampParser();
  if (parser.parse(bytes, 0, bytes.length) === 'ok') return parser.micros;
  throw new TallystreamError('USAGE', {
    what: text === undefined ? '--to is missing.' : `--to ${shownWord(text)} is not a time.`,
    hint: 'Give --to now, a day such as 2025-06-26, or RFC 3339 such as 2025-06-26T14:00:00Z.',
  });
}

function jsonOf({ batchId, watermarkMicros, partitions }: Lowering, toMicros: number, dryRun: boolean) {
  const { before, after } = watermarkMicros;
  return {
    schemaVersion: 1,
    dryRun,
    lowered: batchId !== undefined,
    batchId: batchId ?? null,
    to: formatTimestamp(toMicros),
    watermark: { before: textOf(before), after: textOf(after) },
    partitions: partitions.map(({ partition, beforeMicros, afterMicros }) => ({
      partition,
      before: textOf(beforeMicros),
      after: textOf(afterMicros),
    })),
  };
}

function describe({ batchId, watermarkMicros, partitions }: Lowering, dryRun: boolean): string {
  if (batchId === undefined) return 'Nothing was lowered: no accepted event is later than that time.\n';
  const { before, after } = watermarkMicros;
  const lines = [
    `The watermark ${dryRun ? 'would go' : 'went'} from ${textOf(before) ?? 'none'} to ${textOf(after) ?? 'none'}, in batch ${batchId}.`,
    ...partitions.map(
      ({ partition, beforeMicros, afterMicros }) =>
        `Partition ${partition}: newest accepted event ${textOf(beforeMicros)}, ${dryRun ? 'then' : 'now'} ${textOf(afterMicros)}.`,
    ),
    'Event ids that were removed below the old watermark stay removed: a duplicate of such an event is counted again.',
  ];
  return `${lines.join('\n')}\n`;
}

function textOf(micros: number): string;
function textOf(micros: number | null): string | null;
function textOf(micros: number | null): string | null {
  return micros === null ? null : formatTimestamp(micros);
}
