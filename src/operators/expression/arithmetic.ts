/** `+ - * / %` as Spark 4 carries them out in ANSI mode: what does not fit, and a division by zero, is an error. */
import { InvariantError } from '../../errors.ts';
import type { Scaled } from '../../columns/column-chunk.ts';
import { formatScaled, toScaled } from '../../columns/values/decimal.ts';
import type { ArithmeticName, ValueType } from '../../plan/expression/value-type.ts';
import { fitsDigits, product, quotient, remainder, rescaled, scaledUp, sum } from './decimal.ts';
import { outOfRange, type Evaluator, type Reader, type ScaledEvaluator } from './evaluator.ts';

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** `type` is the type of the result; the arguments have it too, except for decimals, which keep their own. */
export function arithmeticEvaluator(
  name: ArithmeticName,
  left: Evaluator,
  right: Evaluator,
  type: ValueType,
  text: string,
): Evaluator {
  if (left.kind === 'decimal' && right.kind === 'decimal' && type.kind === 'decimal') {
    const { precision, scale } = type;
    const calculate = decimalOperation(name, left, right, scale, text);
    const at = both(left.at, right.at, (a, b) => checkedDigits(calculate(a, b), precision, scale, text));
    return { kind: 'decimal', scale, at };
  }
  if (left.kind === 'long' && right.kind === 'long') {
    const calculate = wholeOperation(name, text);
    return { kind: 'long', scale: 0, at: both(left.at, right.at, (a, b) => asLong(calculate(a, b), text)) };
  }
  if (left.kind === 'int' && right.kind === 'int') {
    const calculate = wholeOperation(name, text);
    return { kind: 'int', at: both(left.at, right.at, (a, b) => asInt(calculate(a, b), text)) };
  }
  if (left.kind === 'double' && right.kind === 'double') {
    const calculate = doubleOperation(name, text);
    return { kind: 'double', at: both(left.at, right.at, (a, b) => finite(calculate(a, b), text)) };
  }
  throw new InvariantError(`no arithmetic of ${left.kind} and ${right.kind}: the plan casts them first`);
}

export function negateEvaluator(of: Evaluator, text: string): Evaluator {
  switch (of.kind) {
    case 'decimal':
      return { kind: 'decimal', scale: of.scale, at: one(of.at, negated) };
    case 'long':
      return { kind: 'long', scale: 0, at: one(of.at, (value) => asLong(negated(value), text)) };
    case 'int':
      return { kind: 'int', at: one(of.at, (value) => asInt(negated(value), text)) };
    case 'double':
      return { kind: 'double', at: one(of.at, (value) => 0 - value) };
    default:
      throw new InvariantError(`no negation of ${of.kind}`);
  }
}

function negated(value: Scaled): Scaled {
  return typeof value === 'number' ? 0 - value : toScaled(-value);
}

function one<A, R>(of: Reader<A>, calculate: (value: A) => R): Reader<R> {
  return (row) => {
    const value = of(row);
    return value === undefined ? undefined : calculate(value);
  };
}

function both<A, R>(left: Reader<A>, right: Reader<A>, calculate: (a: A, b: A) => R): Reader<R> {
  return (row) => {
    const a = left(row);
    if (a === undefined) return undefined;
    const b = right(row);
    return b === undefined ? undefined : calculate(a, b);
  };
}

type Operation = (a: Scaled, b: Scaled) => Scaled;

function decimalOperation(
  name: ArithmeticName,
  left: ScaledEvaluator,
  right: ScaledEvaluator,
  to: number,
  text: string,
): Operation {
  const scale = Math.max(left.scale, right.scale);
  const upA = scale - left.scale;
  const upB = scale - right.scale;
  switch (name) {
    case 'plus':
      return (a, b) => rescaled(sum(scaledUp(a, upA), scaledUp(b, upB)), scale, to);
    case 'minus':
      return (a, b) => rescaled(sum(scaledUp(a, upA), negated(scaledUp(b, upB))), scale, to);
    case 'times':
      return (a, b) => product(a, b, left.scale + right.scale, to);
    case 'dividedBy':
      return (a, b) => quotient(a, left.scale, nonZero(b, text), right.scale, to);
    case 'mod':
      return (a, b) => rescaled(remainder(scaledUp(a, upA), scaledUp(nonZero(b, text), upB)), scale, to);
  }
}

function wholeOperation(name: ArithmeticName, text: string): Operation {
  switch (name) {
    case 'plus':
      return sum;
    case 'minus':
      return (a, b) => sum(a, negated(b));
    case 'times':
      return (a, b) => product(a, b, 0, 0);
    case 'mod':
      return (a, b) => remainder(a, nonZero(b, text));
    case 'dividedBy':
      throw new InvariantError('whole numbers are divided as doubles');
  }
}

function doubleOperation(name: ArithmeticName, text: string): (a: number, b: number) => number {
  switch (name) {
    case 'plus':
      return (a, b) => a + b;
    case 'minus':
      return (a, b) => a - b;
    case 'times':
      return (a, b) => a * b;
    case 'dividedBy':
      return (a, b) => a / nonZero(b, text);
    case 'mod':
      return (a, b) => a % nonZero(b, text);
  }
}

function nonZero<T extends Scaled>(value: T, text: string): T {
  if (value === 0) throw outOfRange(text, 'it divides by zero', 'a divisor other than 0', '0');
  return value;
}

export function checkedDigits(value: Scaled, precision: number, scale: number, text: string): Scaled {
  if (fitsDigits(value, precision)) return value;
  const [type, actual] = [`decimal(${precision},${scale})`, formatScaled(value, scale)];
  throw outOfRange(text, `${actual} does not fit ${type}`, `a value that fits ${type}`, actual);
}

export function asInt(value: Scaled, text: string): number {
  if (typeof value === 'number' && value >= INT_MIN && value <= INT_MAX) return value;
  throw outOfRange(text, `${value} does not fit 32 bits`, 'from -2147483648 to 2147483647', String(value));
}

export function asLong(value: Scaled, text: string): Scaled {
  if (typeof value === 'number' || (value >= LONG_MIN && value <= LONG_MAX)) return value;
  throw outOfRange(text, `${value} does not fit 64 bits`, `from ${LONG_MIN} to ${LONG_MAX}`, String(value));
}

/** Columns keep no NaN and no infinity. Spark has both: where it would continue with one, this stops. */
function finite(value: number, text: string): number {
  if (Number.isFinite(value)) return value + 0;
  throw outOfRange(text, `${value} is not a finite double`, 'a finite double', String(value));
}
