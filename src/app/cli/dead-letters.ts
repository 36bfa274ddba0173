/** `dead-letters list` and `show`: what was not accepted, why, where, and its bytes. */
import { escapeForTerminal } from '../../columns/format/escape.ts';
import { formatEpochMs } from '../../columns/values/timestamp.ts';
import { REASONS, type Reason } from '../../columns/decode/problem.ts';
import { closest } from '../../values/did-you-mean.ts';
import { shownWord } from '../../values/secrets.ts';
import type { DeadLetter } from '../../contracts/batch.ts';
import type { CheckpointView } from '../../contracts/checkpoint.ts';
import { TallystreamError } from '../../errors.ts';
import type { Context } from './context.ts';
import { createOutput, jsonLine } from './output.ts';
import { openView } from './view.ts';

const DAMAGED = 'it does not match its checksum; any part of it may be wrong';
/** A person reads no more of a dead letter in a terminal. */
const SHOWN_BYTES_MAX = 64 * 1024;
/** After this many letters, other work of this process, such as signals, gets a turn. */
const LETTERS_PER_TURN = 256;

export async function list(context: Context): Promise<number> {
  const filter = { ...reasonOf(context), ...partitionOf(context) };
  const limit = Number(context.flag('limit') ?? Infinity);
  context.signals.leaveToSystem();
  const view = await openView(context);
  try {
    const write = await createOutput();
    let shown = 0;
    let damaged = 0;
    for (const letter of view.deadLetters(filter)) {
      if (shown >= limit) break;
      await write(context.json ? jsonLine(jsonOf(letter)) : `${lineOf(letter)}\n`);
      shown += 1;
      if (letter.damaged === true) damaged += 1;
      // Writing to a file never waits, so signals and timers would get no turn.
      if (shown % LETTERS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (shown === 0 && limit > 0 && !context.json) await write('No dead letters.\n');
    if (damaged > 0) throw damagedError(damaged);
    return 0;
  } finally {
    view.close();
  }
}

export async function show(context: Context, [word = '']: readonly string[]): Promise<number> {
  const position = positionOf(word);
  context.signals.leaveToSystem();
  const view = await openView(context);
  try {
    const letter = letterAt(view, position);
    if (letter.damaged === true && context.isSet('raw')) throw damagedError(1);
    const write = await createOutput();
    if (context.isSet('raw')) await write(bytesOf(letter));
    else if (context.json) await write(jsonLine(jsonOf(letter)));
    else await write(`${fullText(letter)}\n`);
    if (letter.damaged === true) throw damagedError(1);
    return 0;
  } finally {
    view.close();
  }
}

export interface Position {
  readonly partition: number;
  readonly offset: number;
}

/** @throws USAGE */
export function positionOf(text: string): Position {
  const match = /^(\d{1,9}):(\d{1,15})$/.exec(text);
  if (match !== null) return { partition: Number(match[1]), offset: Number(match[2]) };
  throw new TallystreamError('USAGE', {
    what: `${shownWord(text)} is not a position.`,
    hint: 'Give partition:offset, for example 0:17. `tallystream dead-letters list` shows the positions.',
  });
}

/** For letters that do not match their checksums. Their contents may be wrong, so their bytes are never redriven. */
export function damagedError(letters: number): TallystreamError {
  const [those, match] = letters === 1 ? ['1 dead letter', 'does'] : [`${letters} dead letters`, 'do'];
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `${those} in the checkpoint ${match} not match the stored checksum.`,
    why: 'The disk returned other bytes than were written. The position, the reason and the bytes may each be wrong, so such a letter is marked as damaged and never redriven.',
    hint: 'Check the disk, then restore a copy of the checkpoint folder. The record itself may still be in the topic: `tallystream topic tail` shows it.',
  });
}

/** The letter at a position; a damaged one if no sound letter has this position. @throws DEAD_LETTER_NOT_FOUND */
export function letterAt(view: CheckpointView, position: Position): DeadLetter {
  for (const letter of view.deadLetters(position)) return letter;
  for (const letter of view.deadLetters({ ...position, reason: 'DUPLICATE' })) return letter;
  throw new TallystreamError('DEAD_LETTER_NOT_FOUND', {
    what: `There is no dead letter at ${position.partition}:${position.offset}.`,
    hint: '`tallystream dead-letters list` shows all dead letters.',
  });
}

/** @throws USAGE for an unknown reason */
export function reasonOf(context: Context): { reason: Reason } | Record<string, never> {
  const asked = context.flag('reason');
  if (asked === undefined) return {};
  const reason = REASONS.find((candidate) => candidate === asked.toUpperCase());
  if (reason !== undefined) return { reason };
  const near = closest(asked.toUpperCase(), REASONS);
  throw new TallystreamError('USAGE', {
    what: `There is no reason ${shownWord(asked)}.`,
    hint: near === undefined ? `The reasons are ${REASONS.join(', ')}.` : `Did you mean ${near}?`,
  });
}

function partitionOf(context: Context): { partition: number } | Record<string, never> {
  const partition = context.flag('partition');
  return partition === undefined ? {} : { partition: Number(partition) };
}

function bytesOf(letter: DeadLetter): Uint8Array {
  if (letter.value !== null) return letter.value;
  throw new TallystreamError('DEAD_LETTER_NOT_FOUND', {
    what: `The dead letter at ${letter.partition}:${letter.offset} has no bytes (${letter.reason}).`,
    why: 'The record was empty, or the checkpoint kept only its position.',
  });
}

/** The JSON shape of the command-line contract; `value` is base64. */
function jsonOf(letter: DeadLetter): Record<string, unknown> {
  return {
    reason: letter.reason,
    field: letter.field,
    expected: letter.expected === '' ? null : letter.expected,
    actual: letter.reason === 'DUPLICATE' ? null : letter.actual,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    batchId: letter.batchId,
    timestamp: timestampOf(letter),
    value: letter.value === null ? null : Buffer.from(letter.value).toString('base64'),
    ...(letter.damaged === true ? { damaged: true } : {}),
  };
}

/** When the record was written to the log; for a duplicate, only the position is kept. */
function timestampOf({ timestampMs }: DeadLetter): string | null {
  return timestampMs === null ? null : formatEpochMs(timestampMs);
}

function lineOf(letter: DeadLetter): string {
  const at = `${letter.partition}:${letter.offset}`.padEnd(10);
  const what =
    letter.damaged === true
      ? `DAMAGED: ${DAMAGED}`
      : letter.reason === 'DUPLICATE'
        ? ''
        : `${letter.field ?? '(event)'}: expected ${letter.expected}, found ${letter.actual}`;
  return `${at} batch ${String(letter.batchId).padEnd(5)} ${letter.reason.padEnd(21)} ${escapeForTerminal(what)}`;
}

function fullText(letter: DeadLetter): string {
  const rows: [string, string][] = [
    ...(letter.damaged === true ? [['damaged', DAMAGED] as [string, string]] : []),
    ['reason', letter.reason],
    ['field', letter.field ?? '(event)'],
    ['expected', letter.expected],
    ['actual', letter.actual],
    ['topic', letter.topic],
    ['position', `${letter.partition}:${letter.offset}`],
    ['batch', String(letter.batchId)],
    ['timestamp', timestampOf(letter) ?? '(in the log)'],
    ['key', letter.key === null ? '(none kept)' : new TextDecoder().decode(letter.key)],
    ['bytes', letter.value === null ? '(none kept)' : String(letter.value.byteLength)],
  ];
  const head = rows.map(([name, text]) => `${name.padEnd(10)}${escapeForTerminal(text)}`).join('\n');
  if (letter.value === null) return head;
  // A byte order mark must be visible, since it may be the only fault.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    letter.value.subarray(0, SHOWN_BYTES_MAX),
  );
  const left = letter.value.byteLength - SHOWN_BYTES_MAX;
  const more = left > 0 ? `… and ${left} more bytes\n` : '';
  return `${head}\n\n${escapeForTerminal(text)}\n${more}\n(--raw writes the bytes unchanged)`;
}
