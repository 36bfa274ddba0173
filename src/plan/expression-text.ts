/** Expressions as short text for people: `explain()`, error messages, and the names of columns that have none. */
import {
  nodeOf,
  type CallNode,
  type Expression,
  type ExpressionLike,
  type LiteralNode,
  type WindowNode,
} from './expression.ts';
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

/** A text literal is quoted up to this many characters. */
const LITERAL_CHARACTERS_MAX = 40;

/** `(quantity > 3) AND (currency = 'EUR')`: read by people, and never parsed again. */
export function explainExpr(expression: ExpressionLike): string {
  const text = textOf(nodeOf(expression));
  return text.startsWith('(') && text.endsWith(')') && isOnePair(text) ? text.slice(1, -1) : text;
}

/** Whether the first parenthesis closes with the last one. Quotes may hide some: then the text stays as it is. */
function isOnePair(text: string): boolean {
  if (text.includes("'")) return false;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return false;
  }
  return true;
}

/** The name that a result has: its alias, the last part of a column's path, or its text. */
export function outputName(expression: ExpressionLike): string {
  const node = nodeOf(expression);
  if (node.kind === 'alias') return node.name;
  if (node.kind === 'column') return node.path.slice(node.path.lastIndexOf('.') + 1);
  return node.kind === 'window' ? 'window' : explainExpr(node);
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
      return `cast(${explainExpr(node.of)} as ${typeText(node.to)})`;
    case 'case': {
      const branches = node.branches.map(
        ({ when, value }) => ` when ${explainExpr(when)} then ${explainExpr(value)}`,
      );
      const otherwise = node.otherwise === null ? '' : ` else ${explainExpr(node.otherwise)}`;
      return `case${branches.join('')}${otherwise} end`;
    }
    case 'datePart': {
      const zone = node.zone === null ? '' : `, ${node.zone}`;
      return `${node.part === 'date' ? 'toDate' : node.part}(${explainExpr(node.of)}${zone})`;
    }
    case 'window':
      return windowText(node);
    case 'alias':
      return `${textOf(node.of)} as ${node.name}`;
  }
}

function callText(node: CallNode): string {
  const args = node.args.map(textOf);
  const infix = INFIX[node.name];
  if (infix !== undefined) return `(${args.join(` ${infix} `)})`;
  switch (node.name) {
    case 'negate':
      return `(- ${args[0] ?? ''})`;
    case 'not':
      return `(NOT ${args[0] ?? ''})`;
    case 'isNull':
      return `(${args[0] ?? ''} IS NULL)`;
    case 'isNotNull':
      return `(${args[0] ?? ''} IS NOT NULL)`;
    case 'isIn':
      return `(${args[0] ?? ''} IN (${args.slice(1).join(', ')}))`;
    default:
      return `${node.name}(${node.args.map((arg) => explainExpr(arg)).join(', ')})`;
  }
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
  const parts = [explainExpr(node.of), `${node.sizeMs} ms`];
  if (node.slideMs !== node.sizeMs || node.startMs !== 0) parts.push(`slide ${node.slideMs} ms`);
  if (node.startMs !== 0) parts.push(`start ${node.startMs} ms`);
  return `window(${parts.join(', ')})`;
}
