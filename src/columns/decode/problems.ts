/** The words for what is wrong with an event, in one place. None of this runs for a good one. */
import type { DecimalOutcome } from '../values/decimal.ts';
import { JSON_DEPTH_MAX } from './json-scanner.ts';
import type { Problem, Reason } from './problem.ts';
import type { Slot } from './shape.ts';
import type { DateOutcome, TimestampOutcome } from '../values/timestamp.ts';
import type { TimeZone } from '../values/timezone.ts';
import { excerpt } from './utf8.ts';

/** How much text before the place where JSON breaks is quoted, in bytes. */
const CONTEXT_BYTES = 40;

const DESCRIPTIONS: Readonly<Record<Slot['kind'], string>> = {
  string: 'a string',
  dictionary: 'a string',
  boolean: 'true or false',
  int: 'a whole number',
  long: 'a whole number',
  double: 'a number',
  decimal: 'a number',
  timestamp: 'an RFC 3339 timestamp with a zone',
  date: 'a date (YYYY-MM-DD)',
  struct: 'an object',
  array: 'an array',
};

function problem(reason: Reason, slot: Slot | null, expected: string, actual: string): Problem {
  return { reason, field: slot === null ? null : slot.path, expected, actual };
}

export function emptyProblem(actual: string): Problem {
  return problem('EMPTY', null, 'a JSON object', actual);
}

export function tooLargeProblem(bytes: number, bytesMax: number): Problem {
  return problem('TOO_LARGE', null, `at most ${bytesMax} bytes`, `${bytes} bytes`);
}

export function invalidUtf8Problem(bytes: Uint8Array, start: number, invalidAt: number): Problem {
  const byte = (bytes[invalidAt] as number).toString(16).padStart(2, '0');
  return problem('INVALID_UTF8', null, 'UTF-8', `byte 0x${byte} at position ${invalidAt - start}`);
}

/** Quotes the text around the place where the JSON breaks. The bytes are valid UTF-8 by then. */
export function malformedProblem(
  bytes: Uint8Array,
  start: number,
  end: number,
  failure: { readonly failedAt: number; readonly tooDeep: boolean },
): Problem {
  const position = failure.failedAt - start;
  const expected = failure.tooDeep
    ? `JSON nested at most ${JSON_DEPTH_MAX} deep (it is deeper at byte ${position})`
    : `well-formed JSON (it breaks at byte ${position})`;
  let from = Math.max(start, failure.failedAt - CONTEXT_BYTES);
  while (from < end && ((bytes[from] as number) & 0xc0) === 0x80) from++;
  return problem('MALFORMED_JSON', null, expected, excerpt(bytes, from, end, from === start ? '' : '…'));
}

export function notAnObjectProblem(actual: string): Problem {
  return problem('WRONG_TYPE', null, 'a JSON object', actual);
}

export function missingProblem(slot: Slot, actual: 'absent' | 'null'): Problem {
  return problem('MISSING_FIELD', slot, DESCRIPTIONS[slot.kind], actual);
}

export function wrongTypeProblem(slot: Slot, actual: string): Problem {
  return problem('WRONG_TYPE', slot, DESCRIPTIONS[slot.kind], actual);
}

export function stringProblem(
  slot: Slot,
  found: { readonly loneSurrogate: boolean },
  actual: string,
): Problem {
  const expected = found.loneSurrogate ? 'text without half surrogate pairs' : 'text without NUL';
  return problem('OUT_OF_RANGE', slot, expected, actual);
}

export function decimalProblem(slot: Slot, outcome: DecimalOutcome, actual: string): Problem {
  const expected =
    outcome === 'decimals'
      ? `at most ${slot.scale} decimals`
      : `at most ${slot.precision - slot.scale} digits before the point`;
  return problem('OUT_OF_RANGE', slot, expected, actual);
}

export function intProblem(slot: Slot, outcome: DecimalOutcome, actual: string): Problem {
  return wholeProblem(slot, outcome, 'from -2147483648 to 2147483647', actual);
}

export function longProblem(slot: Slot, outcome: DecimalOutcome, actual: string): Problem {
  return wholeProblem(slot, outcome, 'from -9223372036854775808 to 9223372036854775807', actual);
}

function wholeProblem(slot: Slot, outcome: DecimalOutcome, range: string, actual: string): Problem {
  return problem('OUT_OF_RANGE', slot, outcome === 'decimals' ? DESCRIPTIONS[slot.kind] : range, actual);
}

export function doubleProblem(slot: Slot, actual: string): Problem {
  return problem('OUT_OF_RANGE', slot, 'a number below 1.8e308, the largest double', actual);
}

export function dateProblem(slot: Slot, outcome: DateOutcome, actual: string): Problem {
  return outcome === 'range'
    ? problem('OUT_OF_RANGE', slot, 'a real date of the years 1 to 9999', actual)
    : wrongTypeProblem(slot, actual);
}

/** What is wrong with an element, said of its place: `tags[3]`, counted from 0. */
export function elementProblem(array: Slot, index: number, ofElement: Problem): Problem {
  return { ...ofElement, field: `${array.path}[${index}]` };
}

export function timestampProblem(
  slot: Slot,
  outcome: TimestampOutcome,
  assumeTimeZone: TimeZone | undefined,
  actual: string,
): Problem {
  switch (outcome) {
    case 'range':
      return problem('OUT_OF_RANGE', slot, 'a real date and time of the years 1700 to 9999', actual);
    case 'gap':
      return problem(
        'OUT_OF_RANGE',
        slot,
        `a time that clocks in ${assumeTimeZone?.name ?? 'the zone'} show`,
        actual,
      );
    case 'no-zone':
      return problem('WRONG_TYPE', slot, 'a timestamp with a zone (Z or ±hh:mm)', actual);
    case 'syntax':
    case 'ok':
      return problem('WRONG_TYPE', slot, DESCRIPTIONS.timestamp, actual);
  }
}
