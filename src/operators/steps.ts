/** A plan's steps over the rows of a batch. */
import { InvariantError } from '../errors.ts';
import type { ColumnBatch } from '../columns/batch.ts';
import type { TimeZone } from '../columns/timezone.ts';
import type { Step } from '../plan/step.ts';
import { compileExpression } from './expression.ts';
import { compileInto } from './expression-into.ts';

/** Carries out all steps on a row; false where a filter holds it back. @throws EXPRESSION_FAILED, with the expression */
export type RowSteps = (row: number) => boolean;

export function compileSteps(steps: readonly Step[], batch: ColumnBatch, zone: TimeZone): RowSteps {
  const compiled = steps.map((step) => compileStep(step, batch, zone));
  if (compiled.length === 0) return () => true;
  return (row) => compiled.every((step) => step(row));
}

function compileStep(step: Step, batch: ColumnBatch, zone: TimeZone): RowSteps {
  if (step.kind === 'filter') {
    const condition = compileExpression(step.condition, batch, zone);
    // A bare null is a condition that is never true.
    if (condition.kind === 'null') return () => false;
    if (condition.kind !== 'boolean')
      throw new InvariantError(`a filter is a condition, not ${condition.kind}`);
    return (row) => condition.at(row) === true;
  }
  const column = batch.columns[batch.indexOf(step.name)];
  if (column === undefined) throw new InvariantError(`no column ${step.name} in the batch`);
  const write = compileInto(step.expression, batch, zone, column);
  return (row) => {
    write(row);
    return true;
  };
}
