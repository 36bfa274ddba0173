/** The same expression over columns of other names. */
import {
  aliasNode,
  callNode,
  caseNode,
  castNode,
  columnNode,
  datePartNode,
  type Expression,
} from './node.ts';

/** `nameOf` gives a column's path in the place of the one that the expression has. */
export function renameColumns(expression: Expression, nameOf: (path: string) => string): Expression {
  const inner = (node: Expression): Expression => renameColumns(node, nameOf);
  switch (expression.kind) {
    case 'column':
      return columnNode(nameOf(expression.path));
    case 'literal':
      return expression;
    case 'call':
      return callNode(expression.name, expression.args.map(inner));
    case 'cast':
      return castNode(inner(expression.of), expression.to, expression.orNull);
    case 'case':
      return caseNode(
        expression.branches.map((branch) => ({ when: inner(branch.when), value: inner(branch.value) })),
        expression.otherwise === null ? null : inner(expression.otherwise),
      );
    case 'datePart':
      return datePartNode(expression.part, inner(expression.of), expression.zone);
    case 'window':
      return Object.freeze({ ...expression, of: inner(expression.of) });
    case 'alias':
      return aliasNode(inner(expression.of), expression.name);
  }
}
