/** Which casts there are. Every one means what Spark 4 means by it in ANSI mode; those that could not are left out. */
import { refuse, type Scope } from './analyze-scope.ts';
import type { CastNode } from './node.ts';
import { isDecimalShape, sameType, typeText, type ValueType } from './value-type.ts';

const NUMBERS: readonly ValueType['kind'][] = ['int', 'long', 'decimal'];

/** Kind to the kinds that it can become. */
const CASTS: Readonly<Record<ValueType['kind'], readonly ValueType['kind'][]>> = {
  string: [...NUMBERS, 'date'],
  boolean: ['string'],
  int: [...NUMBERS, 'double', 'string'],
  long: [...NUMBERS, 'double', 'string'],
  decimal: [...NUMBERS, 'double', 'string'],
  // To decimal and to string Spark goes by how Java prints a double, which differs between versions of Java.
  double: ['int', 'long'],
  timestamp: ['date', 'string'],
  date: ['string'],
  array: [],
  struct: [],
  null: ['string', 'boolean', ...NUMBERS, 'double', 'timestamp', 'date'],
};

/** @throws TallystreamError `USAGE` for a cast that there is not, or to a decimal that there is not. */
export function checkCast(node: CastNode, from: ValueType, scope: Scope): void {
  if (node.to.kind === 'decimal' && !isDecimalShape(node.to.precision, node.to.scale)) {
    throw refuse(
      scope,
      node,
      `asks for ${typeText(node.to)}`,
      'A decimal has 1 to 38 digits, and no more decimals than digits.',
    );
  }
  if (sameType(from, node.to) || CASTS[from.kind].includes(node.to.kind)) return;
  const money = from.kind === 'double' && node.to.kind === 'decimal';
  throw refuse(
    scope,
    node,
    `cannot be cast: there is no cast from ${typeText(from)} to ${typeText(node.to)}`,
    money
      ? 'Declare the field as decimal in the schema; then its text is read exactly.'
      : `${typeText(from)} can become ${CASTS[from.kind].join(', ') || 'nothing else'}.`,
  );
}
