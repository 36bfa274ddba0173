/** Expressions as short text for people: `explain()`, error messages, and the names of columns that have none. */
import {
  nodeOf,
  type CallNode,
  type Expression,
  type ExpressionLike,
  type LiteralNode,
  type WindowNode,
} from './node.ts';
import { typeText } from './value-type.ts';

const INFIX: Readonly<Partial<Record<CallNode['name'], string>>> = {
  plus: '+',
  minus: '-',
  times: '*',
  dividedBy: '/',
  mod: '%',
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  eqNullSafe: '<=>',
  and: 'AND',
  or: 'OR',
};

const ENCLOSED: Readonly<Partial<Record<CallNode['name'], (args: readonly string[]) => string>>> = {
  negate: ([of = '']) => `- ${of}`,
  not: ([of = '']) => `NOT ${of}`,
  isNull: ([of = '']) => `${of} IS NULL`,
  isNotNull: ([of = '']) => `${of} IS NOT NULL`,
  isIn: ([of = '', ...values]) => `${of} IN (${values.join(', ')})`,
};

/** A text literal is quoted up to this many characters. */
const LITERAL_CHARACTERS_MAX = 40;

/** `(quantity > 3) AND (currency = 'EUR')`: read by people, and never parsed again. */
export function explainExpr(expression: ExpressionLike): string {
  return textOf(nodeOf(expression));
}

/** The name that a result has: its alias, the last part of a column's path, or its text. */
export function outputName(expression: ExpressionLike): string {
  const node = nodeOf(expression);
  if (node.kind === 'alias') return node.name;
  if (node.kind === 'column') return node.path.slice(node.path.lastIndexOf('.') + 1);
  return node.kind === 'window' ? 'window' : explainExpr(node);
}

/** As a part of another expression: in parentheses where it is written with signs or words between. */
function partOf(node: Expression): string {
  const enclosed = node.kind === 'call' && (INFIX[node.name] ?? ENCLOSED[node.name]) !== undefined;
  return enclosed ? `(${textOf(node)})` : textOf(node);
}

function textOf(node: Expression): string {
  switch (node.kind) {
    case 'column':
      return node.path;
    case 'literal':
      return literalText(node);
    case 'call':
      return callText(node);
    case 'cast':
      return `${node.orNull === true ? 'try_cast' : 'cast'}(${textOf(node.of)} as ${typeText(node.to)})`;
    case 'case': {
      const branches = node.branches.map(({ when, value }) => ` when ${textOf(when)} then ${textOf(value)}`);
      const otherwise = node.otherwise === null ? '' : ` else ${textOf(node.otherwise)}`;
      return `case${branches.join('')}${otherwise} end`;
    }
    case 'datePart': {
      const zone = node.zone === null ? '' : `, ${node.zone}`;
      return `${node.part === 'date' ? 'toDate' : node.part}(${textOf(node.of)}${zone})`;
    }
    case 'window':
      return windowText(node);
    case 'alias':
      return `${partOf(node.of)} as ${node.name}`;
    default:
      // Data of another version can be anything, and the error about it shows it.
      return JSON.stringify(node);
  }
}

function callText(node: CallNode): string {
  const infix = INFIX[node.name];
  if (infix !== undefined) return node.args.map(partOf).join(` ${infix} `);
  const enclosed = ENCLOSED[node.name];
  if (enclosed !== undefined) return enclosed(node.args.map(partOf));
  return `${node.name}(${node.args.map(textOf).join(', ')})`;
}

function literalText(node: LiteralNode): string {
  if (node.text === null) return 'null';
  if (node.type.kind !== 'string' && node.type.kind !== 'timestamp' && node.type.kind !== 'date')
    return node.text;
  const characters = Array.from(node.text);
  const shown =
    characters.length > LITERAL_CHARACTERS_MAX
      ? `${characters.slice(0, LITERAL_CHARACTERS_MAX - 1).join('')}…`
      : node.text;
  return `'${shown}'`;
}

function windowText(node: WindowNode): string {
  const parts = [textOf(node.of), `${node.sizeMs} ms`];
  if (node.slideMs !== node.sizeMs || node.startMs !== 0) parts.push(`slide ${node.slideMs} ms`);
  if (node.startMs !== 0) parts.push(`start ${node.startMs} ms`);
  return `window(${parts.join(', ')})`;
}
