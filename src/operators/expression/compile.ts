/**
 * Compiles an expression to a function of a row of columns. A tree of closures, each for the types that the plan found,
 * so nothing is looked up or tested by kind for a row; decimals and longs stay scaled integers throughout.
 */
import { InvariantError, TallystreamError } from '../../errors.ts';
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import { civilFromDays, MICROS_PER_DAY } from '../../columns/values/calendar.ts';
import { TimeZone } from '../../columns/values/timezone.ts';
import { columnTypes, resolve } from '../../plan/expression/analyze.ts';
import type { Resolved } from '../../plan/expression/analyze-scope.ts';
import type {
  CallNode,
  CaseNode,
  DatePart,
  DatePartNode,
  ExpressionLike,
} from '../../plan/expression/node.ts';
import { explainExpr } from '../../plan/expression/text.ts';
import { typeText } from '../../plan/expression/value-type.ts';
import { arithmeticEvaluator, negateEvaluator } from './arithmetic.ts';
import { castEvaluator, tryCastEvaluator } from './cast.ts';
import { columnEvaluator, literalEvaluator } from './columns.ts';
import { arrayContainsEvaluator, comparisonEvaluator, isInEvaluator } from './compare.ts';
import { ExpressionFault, type Evaluator, type NumberEvaluator, type Reader } from './evaluator.ts';
import { andEvaluator, caseEvaluator, coalesceEvaluator, isNullEvaluator, notEvaluator } from './logic.ts';
import { concatEvaluator, lengthEvaluator, mapped, substringEvaluator, trimmed } from './text-functions.ts';

export type { Evaluator } from './evaluator.ts';

const MICROS_PER_HOUR = 3_600_000_000;

/**
 * The evaluator of an expression over the columns of a batch. It may be kept as long as the batch, through any number of
 * chunks; `zone` is the query's. Only rows that were decoded without a problem may be asked for.
 *
 * Its functions throw {@link ExpressionFault} for a row that has no value in ANSI SQL: a number that does not fit its
 * type, a division by zero, text that is no number or date. They throw a plain `EXPRESSION_FAILED` if no row has a value.
 * @throws TallystreamError `USAGE` as `typeOf` does, for a struct, and for a window, which only `groupBy` takes.
 */
export function compileExpression(expression: ExpressionLike, batch: ColumnBatch, zone: TimeZone): Evaluator {
  return compile(resolve(expression, columnTypes(batch.schema), 'an expression'), batch, zone);
}

function compile(of: Resolved, batch: ColumnBatch, zone: TimeZone): Evaluator {
  const { node } = of;
  switch (node.kind) {
    case 'column':
      if (of.type.kind === 'struct') throw noValue(of, 'Name one of its fields.');
      return columnEvaluator(
        batch.columns[batch.indexOf(node.path)] as ColumnBatch['columns'][number],
        batch.space,
      );
    case 'literal':
      return literalEvaluator(node);
    case 'window':
      throw noValue(of, 'Pass it to groupBy.');
    case 'alias':
      return compile(of.args[0] as Resolved, batch, zone);
    case 'call':
    case 'cast':
    case 'case':
    case 'datePart': {
      const args = of.args.map((arg) => compile(arg, batch, zone));
      return isConstant(of) ? onceOnly(compileOver(of, node, args, zone)) : compileOver(of, node, args, zone);
    }
  }
}

function noValue(of: Resolved, hint: string): TallystreamError {
  const what = `${explainExpr(of.node)} has no single value: it is ${typeText(of.type)}.`;
  return new TallystreamError('USAGE', { what, hint });
}

function isConstant(of: Resolved): boolean {
  return of.node.kind === 'literal' || (of.args.length > 0 && of.args.every(isConstant));
}

/** What no row changes is found out at the first one: not before, since no row may ask for it. */
function onceOnly(of: Evaluator): Evaluator {
  const { at } = of as { at: Reader<unknown> };
  let known = false;
  let value: unknown;
  const held = (row: number): unknown => {
    if (!known) {
      try {
        value = at(row);
      } catch (error) {
        // The query is at fault here, and not the event: every event would be rejected.
        throw error instanceof ExpressionFault ? error.forEveryEvent() : error;
      }
      known = true;
    }
    return value;
  };
  return { ...of, at: held } as Evaluator;
}

function compileOver(
  of: Resolved,
  node: CallNode | CaseNode | DatePartNode | Extract<Resolved['node'], { kind: 'cast' }>,
  args: readonly Evaluator[],
  zone: TimeZone,
): Evaluator {
  const first = args[0] as Evaluator;
  switch (node.kind) {
    case 'call':
      return compileCall(of, node, args);
    case 'cast':
      return node.orNull === true
        ? tryCastEvaluator(first, node.to, zone, explainExpr(node))
        : castEvaluator(first, node.to, zone, explainExpr(node));
    case 'case':
      return caseEvaluator(args, node.branches.length);
    case 'datePart':
      return datePartEvaluator(node.part, first, node.zone === null ? zone : TimeZone.of(node.zone));
  }
}

function compileCall(of: Resolved, node: CallNode, args: readonly Evaluator[]): Evaluator {
  const [first, second, third] = args as [Evaluator, Evaluator, Evaluator];
  switch (node.name) {
    case 'plus':
    case 'minus':
    case 'times':
    case 'dividedBy':
    case 'mod':
      return arithmeticEvaluator(node.name, first, second, of.type, explainExpr(node));
    case 'negate':
      return negateEvaluator(first, explainExpr(node));
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'eqNullSafe':
      return comparisonEvaluator(node.name, first, second, textLiteral(of.args[1]));
    case 'isIn': {
      const texts = of.args.slice(1).map(textLiteral);
      return isInEvaluator(args, texts.includes(undefined) ? undefined : (texts as string[]));
    }
    case 'and':
      return andEvaluator(first, second, false);
    case 'or':
      return andEvaluator(first, second, true);
    case 'not':
      return notEvaluator(first);
    case 'isNull':
      return isNullEvaluator(first, true);
    case 'isNotNull':
      return isNullEvaluator(first, false);
    case 'coalesce':
      return coalesceEvaluator(args);
    case 'upper':
      return mapped(first, (text) => text.toUpperCase());
    case 'lower':
      return mapped(first, (text) => text.toLowerCase());
    case 'trim':
      return mapped(first, trimmed);
    case 'length':
      return lengthEvaluator(first);
    case 'substring':
      return substringEvaluator(first, second, third);
    case 'concat':
      return concatEvaluator(args);
    case 'size':
      return sizeEvaluator(first);
    case 'arrayContains':
      return arrayContainsEvaluator(first, second);
  }
}

function textLiteral(of: Resolved | undefined): string | undefined {
  return of?.node.kind === 'literal' && of.type.kind === 'string' ? (of.node.text ?? undefined) : undefined;
}

function sizeEvaluator(of: Evaluator): NumberEvaluator {
  if (of.kind !== 'array') throw new InvariantError(`no array but ${of.kind}`);
  return {
    kind: 'int',
    at(row) {
      const range = of.at(row);
      return range === undefined ? undefined : range.end - range.start;
    },
  };
}

function datePartEvaluator(part: DatePart, of: Evaluator, zone: TimeZone): NumberEvaluator {
  if (of.kind !== 'timestamp' && of.kind !== 'date') throw new InvariantError(`no date but ${of.kind}`);
  const { at } = of;
  const dayOf =
    of.kind === 'date' ? (day: number): number => day : (micros: number): number => zone.dayOf(micros);
  const take = partOf(part, dayOf, zone);
  return {
    kind: part === 'date' ? 'date' : 'int',
    at(row) {
      const value = at(row);
      return value === undefined ? undefined : take(value);
    },
  };
}

function partOf(part: DatePart, dayOf: (value: number) => number, zone: TimeZone): (value: number) => number {
  switch (part) {
    case 'date':
      return dayOf;
    case 'hour':
      return (micros) => {
        const local = micros + zone.offsetMicrosAt(micros);
        return Math.floor((local - zone.dayOf(micros) * MICROS_PER_DAY) / MICROS_PER_HOUR);
      };
    case 'year':
    case 'month':
    case 'day':
      return (value) => civilFromDays(dayOf(value))[part];
  }
}
