/** The contents of a checkpoint, as text and as JSON. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import { formatEpochMs, formatTimestamp } from '../../../columns/values/timestamp.ts';
import type { CheckpointSummary } from '../../compose.ts';

/** There can be more partitions and lost ranges than a person reads; `--json` has all. */
const ROWS_SHOWN_MAX = 100;

export function renderSummary(summary: CheckpointSummary): string {
  const parts = [
    headOf(summary),
    partitionsOf(summary),
    aggregatesOf(summary),
    lettersOf(summary),
    lostOf(summary),
    raisedOf(summary),
    acceptedOf(summary),
    filesOf(summary),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => escapeForTerminal(line.trimEnd())).join('\n'))
    .join('\n\n')}\n`;
}

/** Instants as text. */
export function summaryJson(summary: CheckpointSummary): unknown {
  const { query, holder, lastPlan, lastCommit, lowered, partitions, topic, acceptedLosses, ...rest } =
    summary;
  return {
    schemaVersion: 1,
    query: { name: query.name, id: query.id, createdAt: instantOfMs(query.createdAtMs) },
    topic,
    holder: holder && { pid: holder.pid, since: instantOfMs(holder.sinceMs) },
    lastPlan: lastPlan && {
      batchId: lastPlan.batchId,
      clock: instantOfMs(lastPlan.clockMs),
      watermark: instantOf(lastPlan.watermarkMicros),
      offsets: lastPlan.offsets,
    },
    lowered: lowered && {
      batchId: lowered.batchId,
      to: instantOf(lowered.toMicros),
      from: instantOf(lowered.fromMicros),
    },
    lastCommit: lastCommit && {
      batchId: lastCommit.batchId,
      clock: instantOfMs(lastCommit.clockMs),
      watermark: instantOf(lastCommit.watermarkMicros),
      printed: lastCommit.isPrinted,
    },
    partitions: partitions.map(({ partition, nextOffset, maxEventMicros, activeAtMs, mark }) => ({
      partition,
      nextOffset,
      newestEvent: instantOf(maxEventMicros),
      activeAt: instantOfMs(activeAtMs),
      mark,
    })),
    ...rest,
    acceptedLosses: acceptedLosses.map(({ acceptedAtMs, ...loss }) => ({
      ...loss,
      acceptedAt: instantOfMs(acceptedAtMs),
    })),
  };
}

function headOf(summary: CheckpointSummary): string[] {
  const { query, topic, holder, lastPlan, lastCommit, accounting, ids } = summary;
  const { read, accepted, invalid, duplicate, late } = accounting;
  const rows: [string, string][] = [
    ['checkpoint', summary.location],
    ['query', `${query.name} (${query.id}), since ${instantOfMs(query.createdAtMs)}`],
    ['topic', `${topic.name} (${topic.id ?? 'not read yet'}), log ${topic.log}`],
    ['epoch', String(summary.epoch)],
    [
      'holder',
      holder === null ? 'none yet' : `last taken by process ${holder.pid}, at ${instantOfMs(holder.sinceMs)}`,
    ],
    ['last plan', lastPlan === null ? 'none yet' : `${entryText(lastPlan)}, ${lastPlan.offsets} offsets`],
    [
      'last commit',
      lastCommit === null
        ? 'none yet'
        : `${entryText(lastCommit)}${lastCommit.isPrinted ? '' : ', report not marked as printed'}`,
    ],
    [
      'accounting',
      `${read} read = ${accepted} accepted + ${invalid} invalid + ${duplicate} duplicate + ${late} late`,
    ],
    ['ids', `${ids.remembered} remembered in ${ids.bytes} bytes, ${ids.segments} full segments`],
    ['redriven', String(summary.redriven)],
    ...loweredRow(summary.lowered),
  ];
  return rows.map(([name, text]) => `${name.padEnd(13)}${text}`);
}

/** A row only if the watermark was lowered. */
function loweredRow(lowered: CheckpointSummary['lowered']): [string, string][] {
  if (lowered === null) return [];
  const from = instantOf(lowered.fromMicros) ?? 'none';
  return [
    [
      'lowered',
      `accepted times to ${instantOf(lowered.toMicros)} in batch ${lowered.batchId}, from watermark ${from}`,
    ],
  ];
}

function entryText(entry: {
  batchId: number;
  clockMs: number | null;
  watermarkMicros: number | null;
}): string {
  const watermark = instantOf(entry.watermarkMicros);
  return `batch ${entry.batchId} at ${instantOfMs(entry.clockMs) ?? '(its plan was removed)'}, watermark ${watermark ?? 'none'}`;
}

function partitionsOf({ partitions }: CheckpointSummary): string[] {
  const rows = partitions.map(({ partition, nextOffset, maxEventMicros }) => [
    String(partition),
    String(nextOffset),
    instantOf(maxEventMicros) ?? 'none',
  ]);
  return tableOf(['partition', 'next offset', 'newest event'], rows);
}

function aggregatesOf({ aggregates }: CheckpointSummary): string[] {
  const rows = aggregates.map(({ name, open, closed, sinceBatchId, untilBatchId }) => [
    name,
    String(open),
    String(closed),
    [
      sinceBatchId === null ? '' : `since batch ${sinceBatchId}`,
      untilBatchId === null ? '' : `until before batch ${untilBatchId}`,
    ]
      .filter((text) => text !== '')
      .join(', ') || 'all',
  ]);
  return tableOf(['aggregate', 'open', 'closed', 'batches'], rows);
}

function lettersOf({ deadLetters }: CheckpointSummary): string[] {
  const { reasons, duplicates, bytes } = deadLetters;
  const rows = reasons.map(({ reason, count, bytes: own }) => [reason, String(count), String(own)]);
  if (duplicates > 0) rows.push(['DUPLICATE', String(duplicates), '0']);
  if (rows.length === 0) return ['no dead letters'];
  return [...tableOf(['dead letters', 'count', 'bytes'], rows), `${bytes} bytes with their headers`];
}

function lostOf({ lostRanges }: CheckpointSummary): string[] {
  const rows = lostRanges.map(({ batchId, partition, start, end }) =>
    [batchId, partition, start, end].map(String),
  );
  return tableOf(['lost in batch', 'partition', 'start', 'end'], rows);
}

function raisedOf({ raisedLosses }: CheckpointSummary): string[] {
  const rows = raisedLosses.map(({ partition, start, end, kind, why }) => [
    ...[partition, start, end].map(String),
    `${kind}: ${why}`,
  ]);
  return tableOf(['LOST in partition', 'start', 'end', 'stops every run until accepted'], rows);
}

function acceptedOf({ acceptedLosses }: CheckpointSummary): string[] {
  const rows = acceptedLosses.map(({ partition, start, end, kind, batchId, acceptedAtMs }) => [
    ...[partition, start, end].map(String),
    `${kind}, after batch ${batchId}, at ${instantOfMs(acceptedAtMs)}`,
  ]);
  return tableOf(['accepted in partition', 'start', 'end', 'lost'], rows);
}

function filesOf({ files }: CheckpointSummary): string[] {
  return tableOf(
    ['file', 'bytes'],
    files.map(({ name, bytes }) => [name, String(bytes)]),
  );
}

/** No lines if there are no rows. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const shown = [head, ...rows.slice(0, ROWS_SHOWN_MAX)];
  const widths = head.map((_, column) => Math.max(...shown.map((row) => (row[column] as string).length)));
  const lines = shown.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  '),
  );
  const left = rows.length - ROWS_SHOWN_MAX;
  return left > 0 ? [...lines, `… and ${left} more (--json has all)`] : lines;
}

function instantOfMs(ms: null): null;
function instantOfMs(ms: number): string;
function instantOfMs(ms: number | null): string | null;
function instantOfMs(ms: number | null): string | null {
  return ms === null ? null : formatEpochMs(ms);
}

function instantOf(micros: number): string;
function instantOf(micros: number | null): string | null;
function instantOf(micros: number | null): string | null {
  return micros === null ? null : formatTimestamp(micros);
}
