/** How arguments of different types are brought together: text literals take the type of the other side, numbers widen. */
import { refuse, type Resolved, type Scope } from './analyze-scope.ts';
import { castNode, type Expression, type LiteralNode } from './node.ts';
import { decimalLiteral, integerAsDecimal, textAs } from './literal.ts';
import { commonType, isExact, sameType, scalar, typeText, type ValueType } from './value-type.ts';

/** `of` as `type`: itself where it has it, else after a cast. A null literal takes any type this way. */
export function converted(of: Resolved, type: ValueType): Resolved {
  if (sameType(of.type, type)) return of;
  return { node: castNode(of.node, type), type, args: [of] };
}

function ofLiteral(node: LiteralNode): Resolved {
  return { node, type: node.type, args: [] };
}

/** Whether a literal is used directly, without an alias or a cast. */
function isLiteral(of: Resolved): of is Resolved & { readonly node: LiteralNode } {
  return of.node.kind === 'literal';
}

/**
 * A text literal combined with something that is not text is read as its type, at plan time and exactly: Spark would compare an
 * amount with a text as two doubles. A decimal combined with an int or another whole number is a decimal.
 */
export function adapted(of: Resolved, other: ValueType, scope: Scope, part: Expression): Resolved {
  if (!isLiteral(of)) return of;
  const { node } = of;
  if (node.type.kind === 'double' && isExact(other)) throw float(scope, part, node, other);
  if (node.type.kind !== 'string' || node.text === null) return of;
  if (other.kind === 'string' || other.kind === 'null') return of;
  const literal = textAs(node.text, other);
  if (literal !== undefined) return ofLiteral(literal);
  const wanted: Readonly<Partial<Record<ValueType['kind'], string>>> = {
    decimal: 'a plain decimal such as 12.50',
    int: 'a plain number such as 12',
    long: 'a plain number such as 12',
    timestamp: 'an instant with its zone such as 2025-06-26T14:00:00Z',
    date: 'a date such as 2025-06-26',
  };
  const words = wanted[other.kind];
  throw refuse(
    scope,
    part,
    `combines text with ${typeText(other)}`,
    words === undefined ? `Give it ${typeText(other)}.` : `Write ${words}.`,
  );
}

function float(scope: Scope, part: Expression, literal: LiteralNode, other: ValueType): Error {
  const text = literal.text as string;
  const exact = decimalLiteral(text) === undefined ? '12.50' : text;
  return refuse(
    scope,
    part,
    `combines the float ${text} with ${typeText(other)}, but an amount is never converted to a float`,
    `Write it as text: '${exact}'.`,
  );
}

/** A whole literal combined with a decimal is the smallest decimal that holds it, as Spark has it for two operands. */
export function literalAsDecimal(of: Resolved): Resolved {
  if (!isLiteral(of) || (of.type.kind !== 'int' && of.type.kind !== 'long')) return of;
  return ofLiteral(integerAsDecimal(of.node));
}

/** Brings arguments to one type, for `coalesce` and `when`. At least one of them has to have one. */
export function toCommonType(
  args: readonly Resolved[],
  scope: Scope,
  part: Expression,
): { readonly args: readonly Resolved[]; readonly type: ValueType } {
  const other = args.find(({ type, node }) => !(node.kind === 'literal' && type.kind === 'string'));
  const typed = args.find(({ type }) => type.kind !== 'null');
  if (typed === undefined) {
    throw refuse(scope, part, 'has no type: all its values are null', "Give it one: lit(null).cast('int').");
  }
  const otherTyped = args.find(({ type, node }) => node.kind !== 'literal' && type.kind !== 'null') ?? other;
  const read = args.map((arg) =>
    otherTyped === undefined ? arg : adapted(arg, otherTyped.type, scope, part),
  );
  let type: ValueType = { kind: 'null' };
  for (const arg of read) {
    const wider = commonType(type, arg.type);
    if (wider === undefined) throw mixed(scope, part, type, arg.type);
    type = wider;
  }
  if (type.kind === 'array' || type.kind === 'struct')
    throw refuse(scope, part, `takes single values, not ${typeText(type)}`, 'Take a part of it.');
  return { args: read.map((arg) => converted(arg, type)), type };
}

export function mixed(scope: Scope, part: Expression, a: ValueType, b: ValueType): Error {
  const float = [a, b].some(({ kind }) => kind === 'double') && [a, b].some(({ kind }) => kind === 'decimal');
  return refuse(
    scope,
    part,
    `combines ${typeText(a)} with ${typeText(b)}`,
    float
      ? "An amount is not converted to a float unless you ask: declare the field as decimal, or write .cast('double')."
      : `Cast one of them, such as .cast('${typeText(a)}').`,
  );
}

export function expectBoolean(of: Resolved, scope: Scope, part: Expression): Resolved {
  if (of.type.kind === 'boolean') return of;
  if (of.type.kind === 'null') return converted(of, scalar('boolean'));
  throw refuse(
    scope,
    part,
    `needs a condition, but got ${typeText(of.type)}`,
    'Compare it with something, such as .eq(…) or .gt(…).',
  );
}
