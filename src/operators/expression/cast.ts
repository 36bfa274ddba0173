/** Casts as Spark 4 carries them out in ANSI mode: what does not fit its new type is an error, and never null. */
import { InvariantError } from '../../errors.ts';
import type { Scaled } from '../../columns/column-chunk.ts';
import { formatScaled } from '../../columns/values/decimal.ts';
import { formatDay, formatLocalDateTime } from '../../columns/values/timestamp.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import { MICROS_PER_SECOND } from '../../columns/values/calendar.ts';
import type { ValueType } from '../../plan/expression/value-type.ts';
import { asInt, asLong, checkedDigits } from './arithmetic.ts';
import { cutDown, rescaled } from './decimal.ts';
import { ExpressionFault, failed, type Evaluator, type Reader, type ScaledEvaluator } from './evaluator.ts';
import { dateOfText, scaledOfText, wholeOfText } from './parse.ts';

const LONG_MAX = 2n ** 63n - 1n;
/** `zone` is the query's: instants become text and dates by its clocks. */
export function castEvaluator(of: Evaluator, to: ValueType, zone: TimeZone, text: string): Evaluator {
  switch (to.kind) {
    case 'decimal':
      return { kind: 'decimal', scale: to.scale, at: toDecimal(of, to.precision, to.scale, text) };
    case 'long':
      return { kind: 'long', scale: 0, at: toLong(of, text) };
    case 'int':
      return { kind: 'int', at: toInt(of, text) };
    case 'double':
      return { kind: 'double', at: toDouble(of) };
    case 'string':
      return { kind: 'string', at: toText(of, zone) };
    case 'date':
      return { kind: 'date', at: toDay(of, zone, text) };
    case 'boolean':
    case 'timestamp':
      if (of.kind === to.kind) return of;
      if (of.kind === 'null') return { kind: to.kind, at: of.at };
      throw unknown(of, to.kind);
    case 'array':
    case 'struct':
    case 'null':
      if (of.kind === to.kind) return of;
      throw unknown(of, to.kind);
  }
}

/** Null if the cast has no value. The expression that is cast may still fail. */
export function tryCastEvaluator(of: Evaluator, to: ValueType, zone: TimeZone, text: string): Evaluator {
  const read = of.at as Reader<unknown>;
  let value: unknown;
  const { bytes: _bytes, ...held } = { bytes: undefined, ...of, at: () => value };
  const cast = castEvaluator(held as Evaluator, to, zone, text);
  const castOne = cast.at as Reader<unknown>;
  const at = (row: number): unknown => {
    value = read(row);
    try {
      return castOne(row);
    } catch (error) {
      if (error instanceof ExpressionFault) return undefined;
      throw error;
    }
  };
  const { bytes: _castBytes, ...result } = { bytes: undefined, ...cast, at };
  return result as Evaluator;
}

function unknown(of: Evaluator, to: string): InvariantError {
  return new InvariantError(`no cast from ${of.kind} to ${to}: the plan refuses it`);
}

function changed<A, R>(at: Reader<A>, change: (value: A) => R): Reader<R> {
  return (row) => {
    const value = at(row);
    return value === undefined ? undefined : change(value);
  };
}

function toDecimal(of: Evaluator, precision: number, scale: number, text: string): Reader<Scaled> {
  const checked = (value: Scaled): Scaled => checkedDigits(value, precision, scale, text);
  switch (of.kind) {
    case 'null':
      return of.at;
    case 'decimal': {
      const from = of.scale;
      return changed(of.at, (value) => checked(rescaled(value, from, scale)));
    }
    case 'long':
    case 'int':
      return changed<Scaled, Scaled>(of.at, (value) => checked(rescaled(value, 0, scale)));
    case 'string':
      return changed(of.at, (value) => {
        const scaled = scaledOfText(value, scale);
        if (scaled === undefined) throw notA(text, value, 'a decimal');
        return checked(scaled);
      });
    default:
      throw unknown(of, 'decimal');
  }
}

function notA(text: string, value: string, what: string): Error {
  const why = `${JSON.stringify(value.slice(0, 60))} is not ${what}`;
  return failed(text, why, { reason: 'WRONG_TYPE', expected: what, actual: value });
}

function toLong(of: Evaluator, text: string): Reader<Scaled> {
  switch (of.kind) {
    case 'null':
    case 'long':
    case 'int':
      return of.at;
    case 'decimal':
      return changed(of.at, (value) => asLong(cutDown(value, of.scale), text));
    case 'double':
      return changed(of.at, (value) => longOfDouble(value, text));
    case 'string':
      return changed(of.at, (value) => {
        const whole = wholeOfText(value);
        if (whole === undefined) throw notA(text, value, 'a whole number');
        return asLong(whole, text);
      });
    default:
      throw unknown(of, 'long');
  }
}

/** 2^63 itself is no long, but the nearest double to the largest one, and Spark takes it for that. */
function longOfDouble(value: number, text: string): Scaled {
  const whole = Math.trunc(value) + 0;
  if (Number.isSafeInteger(whole)) return whole;
  const wide = BigInt(whole);
  return asLong(wide === LONG_MAX + 1n ? LONG_MAX : wide, text);
}

function toInt(of: Evaluator, text: string): Reader<number> {
  switch (of.kind) {
    case 'null':
    case 'int':
      return of.at;
    case 'decimal':
      return changed(of.at, (value) => asInt(cutDown(value, of.scale), text));
    case 'long':
      return changed(of.at, (value) => asInt(value, text));
    case 'double':
      return changed(of.at, (value) => asInt(Math.trunc(value) + 0, text));
    case 'string':
      return changed(of.at, (value) => {
        const whole = wholeOfText(value);
        if (whole === undefined) throw notA(text, value, 'a whole number');
        return asInt(whole, text);
      });
    default:
      throw unknown(of, 'int');
  }
}

function toDouble(of: Evaluator): Reader<number> {
  switch (of.kind) {
    case 'null':
    case 'double':
    case 'int':
      return of.at;
    case 'long':
      return changed(of.at, Number);
    case 'decimal':
      return changed(of.at, (value) => doubleOf(value, of));
    default:
      throw unknown(of, 'double');
  }
}

/** The nearest double: the runtime reads the exact text as one. */
function doubleOf(value: Scaled, { scale }: ScaledEvaluator): number {
  return Number(formatScaled(value, scale));
}

function toText(of: Evaluator, zone: TimeZone): Reader<string> {
  switch (of.kind) {
    case 'null':
    case 'string':
      return of.at;
    case 'boolean':
      return changed(of.at, String);
    case 'decimal':
    case 'long':
      return changed(of.at, (value) => formatScaled(value, of.scale));
    case 'int':
      return changed(of.at, String);
    case 'date':
      return changed(of.at, formatDay);
    case 'timestamp':
      return changed(of.at, (value) => localText(value, zone));
    default:
      throw unknown(of, 'string');
  }
}

/** `2025-06-26 14:11:33.25`: decimals only if there are any, as Spark writes an instant. */
function localText(micros: number, zone: TimeZone): string {
  const rest = micros % MICROS_PER_SECOND;
  const fraction = rest < 0 ? rest + MICROS_PER_SECOND : rest;
  const decimals = fraction === 0 ? '' : `.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}`;
  return formatLocalDateTime(micros, zone) + decimals;
}

function toDay(of: Evaluator, zone: TimeZone, text: string): Reader<number> {
  switch (of.kind) {
    case 'null':
    case 'date':
      return of.at;
    case 'timestamp':
      return changed(of.at, (value) => zone.dayOf(value));
    case 'string':
      return changed(of.at, (value) => {
        const day = dateOfText(value);
        if (day === undefined) throw notA(text, value, 'a date of the years 1 to 9999');
        return day;
      });
    default:
      throw unknown(of, 'date');
  }
}
