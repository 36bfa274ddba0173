/** What the analysis of one expression works with, and how it refuses one. */
import { TallystreamError } from '../../errors.ts';
import type { Expression } from './node.ts';
import { explainExpr } from './text.ts';
import type { ValueType } from './value-type.ts';

/** A node with its type, over arguments that are resolved as well: its children, in the order of `childrenOf`. */
export interface Resolved {
  readonly node: Expression;
  readonly type: ValueType;
  readonly args: readonly Resolved[];
}

export interface Scope {
  readonly columns: ReadonlyMap<string, ValueType>;
  /** Whose expression it is, in words. */
  readonly where: string;
  readonly root: Expression;
}

/** The error for a part of an expression: `why` continues after the part's text. */
export function refuse(scope: Scope, part: Expression, why: string, hint: string): TallystreamError {
  const whole = part === scope.root ? '' : `, a part of ${explainExpr(scope.root)},`;
  return new TallystreamError('USAGE', {
    what: `${scope.where}: ${explainExpr(part)}${whole} ${why}.`,
    hint,
  });
}
