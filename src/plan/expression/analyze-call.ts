/** The types of calls: what each takes, and what it gives. */
import {
  adapted,
  converted,
  expectBoolean,
  literalAsDecimal,
  mixed,
  toCommonType,
} from './analyze-convert.ts';
import { refuse, type Resolved, type Scope } from './analyze-scope.ts';
import { callNode, type CallNode } from './node.ts';
import {
  asDecimal,
  commonType,
  decimalResult,
  isNumeric,
  sameType,
  scalar,
  typeText,
  widensExactly,
  widerDecimal,
  type ArithmeticName,
  type ValueType,
} from './value-type.ts';

type Args = readonly Resolved[];

export function resolveCall(node: CallNode, args: Args, scope: Scope): Resolved {
  const of = (type: ValueType, given: Args = args): Resolved => ({
    node: callNode(
      node.name,
      given.map((arg) => arg.node),
    ),
    type,
    args: given,
  });
  checkCount(node, scope);
  switch (node.name) {
    case 'plus':
    case 'minus':
    case 'times':
    case 'dividedBy':
    case 'mod':
      return arithmetic(node, node.name, args, scope, of);
    case 'negate':
      if (!isNumeric(only(args).type)) throw needs(scope, node, 'a number', only(args).type);
      return of(only(args).type);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'eqNullSafe':
    case 'isIn':
      return of(scalar('boolean'), comparable(node, args, scope));
    case 'and':
    case 'or':
    case 'not':
      return of(
        scalar('boolean'),
        args.map((arg) => expectBoolean(arg, scope, node)),
      );
    case 'isNull':
    case 'isNotNull':
      if (only(args).type.kind === 'struct')
        throw needs(scope, node, 'a field with a single value', only(args).type);
      return of(scalar('boolean'));
    case 'coalesce': {
      const common = toCommonType(args, scope, node);
      return of(common.type, common.args);
    }
    case 'upper':
    case 'lower':
    case 'trim':
    case 'concat':
      return of(scalar('string'), texts(node, args, scope));
    case 'length':
      return of(scalar('int'), texts(node, args, scope));
    case 'substring':
      return of(scalar('string'), substringArgs(node, args, scope));
    case 'size':
      if (only(args).type.kind !== 'array') throw needs(scope, node, 'an array', only(args).type);
      return of(scalar('int'));
    case 'arrayContains':
      return of(scalar('boolean'), arrayContainsArgs(node, args, scope));
    default:
      throw refuse(
        scope,
        node,
        'calls a function that this version does not have',
        'Build expressions with the functions of this package.',
      );
  }
}

const COUNTS: Readonly<Partial<Record<CallNode['name'], number>>> = { and: 2, or: 2, not: 1, substring: 3 };
const AT_LEAST_ONE: readonly CallNode['name'][] = ['coalesce', 'concat', 'isIn'];
const UNARY: readonly CallNode['name'][] = [
  'negate',
  'isNull',
  'isNotNull',
  'upper',
  'lower',
  'trim',
  'length',
  'size',
];

function checkCount(node: CallNode, scope: Scope): void {
  if (AT_LEAST_ONE.includes(node.name)) {
    const least = node.name === 'isIn' ? 2 : 1;
    if (node.args.length < least) throw refuse(scope, node, 'has no values', 'Give at least one.');
    return;
  }
  const count = COUNTS[node.name] ?? (UNARY.includes(node.name) ? 1 : 2);
  if (node.args.length !== count)
    throw refuse(scope, node, `has ${node.args.length} arguments`, `It takes ${count}.`);
}

function only(args: Args): Resolved {
  return args[0] as Resolved;
}

function needs(scope: Scope, node: CallNode, what: string, type: ValueType): Error {
  return refuse(scope, node, `needs ${what}, but got ${typeText(type)}`, 'Check the type of the column.');
}

function arithmetic(
  node: CallNode,
  name: ArithmeticName,
  args: Args,
  scope: Scope,
  of: (type: ValueType, given: Args) => Resolved,
): Resolved {
  const [left, right] = pairOf(node, args, scope);
  for (const { type } of [left, right]) {
    if (!isNumeric(type)) {
      const date = type.kind === 'date' || type.kind === 'timestamp';
      throw refuse(
        scope,
        node,
        `calculates with ${typeText(type)}`,
        date
          ? 'Arithmetic with dates is not supported.'
          : 'Cast text that holds numbers: .cast("decimal(18,2)").',
      );
    }
  }
  if (left.type.kind === 'decimal' || right.type.kind === 'decimal') {
    if (commonType(left.type, right.type) === undefined) throw mixed(scope, node, left.type, right.type);
    const [a, b] = [left, right].map((arg) => {
      const exact = literalAsDecimal(arg);
      return converted(exact, asDecimal(exact.type));
    }) as [Resolved, Resolved];
    return of(decimalResult(name, asDecimal(a.type), asDecimal(b.type)), [a, b]);
  }
  // As in Spark, dividing whole numbers gives a double.
  const type = name === 'dividedBy' ? scalar('double') : (commonType(left.type, right.type) as ValueType);
  return of(type, [converted(left, type), converted(right, type)]);
}

/** Two arguments, if a literal is read as the type of the other one and a bare null takes it. */
function pairOf(node: CallNode, args: Args, scope: Scope): [Resolved, Resolved] {
  const [a, b] = args as [Resolved, Resolved];
  if (a.type.kind === 'null' && b.type.kind === 'null')
    throw refuse(scope, node, 'has no type: both sides are null', "Give it one: lit(null).cast('int').");
  const left = adapted(a, b.type, scope, node);
  const right = adapted(b, left.type, scope, node);
  if (left.type.kind === 'null') return [converted(left, right.type), right];
  return [left, right.type.kind === 'null' ? converted(right, left.type) : right];
}

/**
 * Numbers are compared with numbers, everything else with its own type. Numbers keep their types, since a comparison
 * across them is exact, except for decimals that no decimal of 38 digits holds together: those Spark rounds, and so does
 * the cast written here.
 */
function comparable(node: CallNode, args: Args, scope: Scope): Args {
  const first = only(args);
  const typed = args.find(({ type, node: arg }) => type.kind !== 'null' && arg.kind !== 'literal');
  const type = (typed ?? args.find((arg) => arg.type.kind !== 'null') ?? first).type;
  if (type.kind === 'null') throw refuse(scope, node, 'compares only null with null', 'Use .isNull().');
  const read = args.map((arg) => adapted(arg, type, scope, node));
  for (const arg of read) {
    if (arg.type.kind === 'null') continue;
    if (arg.type.kind === 'struct' || arg.type.kind === 'array')
      throw refuse(scope, node, `compares ${typeText(arg.type)}`, 'Compare a field of it.');
    for (const other of read)
      if (commonType(arg.type, other.type) === undefined) throw mixed(scope, node, arg.type, other.type);
  }
  return withoutNulls(heldTogether(read), type);
}

function withoutNulls(args: Args, type: ValueType): Args {
  return args.map((arg) => (arg.type.kind === 'null' ? converted(arg, type) : arg));
}

function heldTogether(args: Args): Args {
  if (!args.some(({ type }) => type.kind === 'decimal')) return args;
  // Spark takes a whole literal in a list for an int of ten digits: as a decimal it has its own digits everywhere.
  const numbers = args.map(literalAsDecimal);
  const decimals = numbers.filter(({ type }) => type.kind !== 'null').map(({ type }) => asDecimal(type));
  const widest = decimals.reduce(widerDecimal);
  if (decimals.every((type) => widensExactly(type, widest))) return numbers;
  return numbers.map((arg) => (arg.type.kind === 'null' ? arg : converted(arg, widest)));
}

function texts(node: CallNode, args: Args, scope: Scope): Args {
  return args.map((arg) => {
    if (arg.type.kind === 'string') return arg;
    if (arg.type.kind === 'null') return converted(arg, scalar('string'));
    throw refuse(
      scope,
      node,
      `needs text, but got ${typeText(arg.type)}`,
      "To use it as text, write .cast('string').",
    );
  });
}

function substringArgs(node: CallNode, args: Args, scope: Scope): Args {
  const [text, position, length] = args as [Resolved, Resolved, Resolved];
  for (const { type } of [position, length])
    if (type.kind !== 'int') throw needs(scope, node, 'whole numbers for position and length', type);
  return [...texts(node, [text], scope), position, length];
}

function arrayContainsArgs(node: CallNode, args: Args, scope: Scope): Args {
  const [array, value] = args as [Resolved, Resolved];
  if (array.type.kind !== 'array') throw needs(scope, node, 'an array', array.type);
  const { element } = array.type;
  const sought = literalAsDecimalFor(adapted(value, element, scope, node), element);
  if (sameType(sought.type, element) || (sought.type.kind === 'decimal' && element.kind === 'decimal'))
    return [array, sought];
  throw mixed(scope, node, element, sought.type);
}

function literalAsDecimalFor(value: Resolved, element: ValueType): Resolved {
  return element.kind === 'decimal' ? literalAsDecimal(value) : value;
}
