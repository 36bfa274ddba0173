/** The one class behind all expressions that a program builds: it puts nodes together, and checks nothing but literals. */
import { TallystreamError } from '../../errors.ts';
import type { FieldType } from '../../columns/schema/schema.ts';
import type { AnyOperand, AnyExpr, BooleanExpr, Expr, ExprOf, Kind, NumberExpr, TextExpr } from './expr.ts';
import {
  aliasNode,
  callNode,
  caseNode,
  castNode,
  type CallName,
  type CaseNode,
  type Expression,
} from './node.ts';
import { literalOf } from './literal.ts';
import { noteNode } from './whole-condition.ts';
import { typeNamed, valueTypeOf, type ValueType } from './value-type.ts';

/** The node of an operand: a literal's if it is none yet. @throws TallystreamError `USAGE` for what none can be made of. */
export function nodeOfOperand(operand: AnyOperand): Expression {
  return typeof operand === 'object' && operand !== null && 'node' in operand
    ? operand.node
    : literalOf(operand);
}

/** An expression over a node, under the type that the caller knows. */
export function exprOf<K extends Kind = never>(node: Expression): ExprOf<K> {
  return new ExprBuilder(node) as unknown as ExprOf<K>;
}

class ExprBuilder {
  readonly node: Expression;

  constructor(node: Expression) {
    this.node = node;
    noteNode(node);
    Object.freeze(this);
  }

  plus(other: AnyOperand): AnyExpr {
    return this.call('plus', other);
  }

  minus(other: AnyOperand): AnyExpr {
    return this.call('minus', other);
  }

  times(other: AnyOperand): AnyExpr {
    return this.call('times', other);
  }

  dividedBy(other: AnyOperand): AnyExpr {
    return this.call('dividedBy', other);
  }

  mod(other: AnyOperand): AnyExpr {
    return this.call('mod', other);
  }

  negate(): AnyExpr {
    return this.call('negate');
  }

  eq(other: AnyOperand): BooleanExpr {
    return this.call('eq', other);
  }

  ne(other: AnyOperand): BooleanExpr {
    return this.call('ne', other);
  }

  lt(other: AnyOperand): BooleanExpr {
    return this.call('lt', other);
  }

  le(other: AnyOperand): BooleanExpr {
    return this.call('le', other);
  }

  gt(other: AnyOperand): BooleanExpr {
    return this.call('gt', other);
  }

  ge(other: AnyOperand): BooleanExpr {
    return this.call('ge', other);
  }

  eqNullSafe(other: AnyOperand): BooleanExpr {
    return this.call('eqNullSafe', other);
  }

  isIn(...values: readonly AnyOperand[]): BooleanExpr {
    return this.call('isIn', ...values);
  }

  between(lower: AnyOperand, upper: AnyOperand): BooleanExpr {
    return this.ge(lower).and(this.le(upper));
  }

  and(other: AnyOperand): BooleanExpr {
    return this.call('and', other);
  }

  or(other: AnyOperand): BooleanExpr {
    return this.call('or', other);
  }

  not(): BooleanExpr {
    return this.call('not');
  }

  isNull(): BooleanExpr {
    return this.call('isNull');
  }

  isNotNull(): BooleanExpr {
    return this.call('isNotNull');
  }

  upper(): TextExpr {
    return this.call('upper');
  }

  lower(): TextExpr {
    return this.call('lower');
  }

  trim(): TextExpr {
    return this.call('trim');
  }

  length(): NumberExpr<'int'> {
    return this.call('length');
  }

  substr(position: number | Expr<'int'>, length: number | Expr<'int'>): TextExpr {
    return this.call('substring', position, length);
  }

  cast(to: string | FieldType): AnyExpr {
    return exprOf(castNode(this.node, targetType(to)));
  }

  tryCast(to: string | FieldType): AnyExpr {
    return exprOf(castNode(this.node, targetType(to), true));
  }

  alias(name: string): Expr {
    if (typeof name !== 'string' || name === '' || name.includes('.') || !name.isWellFormed()) {
      throw new TallystreamError('USAGE', {
        what: `${JSON.stringify(name)} cannot name a column.`,
        hint: 'A name has at least one character, no dot and no half surrogate pair.',
      });
    }
    return exprOf(aliasNode(this.node, name));
  }

  /** One more branch of a `when`. */
  when(condition: Expr, value: AnyOperand): AnyExpr {
    const { branches } = this.openCase('when');
    const branch = { when: nodeOfOperand(condition), value: nodeOfOperand(value) };
    return exprOf(caseNode([...branches, branch], null));
  }

  otherwise(value: AnyOperand): AnyExpr {
    return exprOf(caseNode(this.openCase('otherwise').branches, nodeOfOperand(value)));
  }

  /** Because `${expression}` in a text is nearly always a mistake, and `===` between expressions always is. */
  toString(): string {
    throw new TallystreamError('USAGE', {
      what: 'An expression was used as text.',
      hint: 'Write .eq(…), .gt(…), .plus(…) and so on, because JavaScript operators do not work on expressions. explainExpr(…) shows an expression as text.',
    });
  }

  private openCase(method: string): CaseNode {
    if (this.node.kind === 'case' && this.node.otherwise === null) return this.node;
    throw new TallystreamError('USAGE', {
      what: `.${method}(…) must follow an open when(…).`,
      hint: 'Write when(condition, value).when(condition, value).otherwise(value).',
    });
  }

  private call<K extends Kind = never>(name: CallName, ...others: readonly AnyOperand[]): ExprOf<K> {
    return exprOf<K>(callNode(name, [this.node, ...others.map(nodeOfOperand)]));
  }
}

function targetType(to: string | FieldType): ValueType {
  const type = typeof to === 'string' ? typeNamed(to) : valueTypeOf(to);
  if (type !== undefined) return type;
  throw new TallystreamError('USAGE', {
    what: `.cast(${JSON.stringify(to)}) is not a type.`,
    hint: 'The types are string, boolean, int, long, double, decimal(18,2), timestamp and date.',
  });
}
