/** A plan's steps over the rows of a batch. */
import { InvariantError } from '../../errors.ts';
import type { ColumnBatch } from '../../columns/column-chunk.ts';
import type { TimeZone } from '../../columns/values/timezone.ts';
import type { SeenBy, Step } from '../../plan/step.ts';
import { compileExpression } from './compile.ts';
import { compileInto } from './write.ts';

/** What the steps made of a row: 0, or {@link HELD}.back with a bit for each operation that saw the row before. */
export const HELD = { back: 1, behindWatermark: 4, behindDedupe: 8 } as const;

/** Runs all steps on a row; 0 if no filter holds it back. @throws EXPRESSION_FAILED, with the expression */
export type RowSteps = (row: number) => number;

export function compileSteps(steps: readonly Step[], batch: ColumnBatch, zone: TimeZone): RowSteps {
  const compiled = steps.map((step) => compileStep(step, batch, zone));
  return (row) => {
    for (const step of compiled) {
      const held = step(row);
      if (held !== 0) return held;
    }
    return 0;
  };
}

function compileStep(step: Step, batch: ColumnBatch, zone: TimeZone): RowSteps {
  if (step.kind === 'filter') {
    const condition = compileExpression(step.condition, batch, zone);
    const held = heldBy(step.behind ?? []);
    // A bare null is a condition that is never true.
    if (condition.kind === 'null') return () => held;
    if (condition.kind !== 'boolean')
      throw new InvariantError(`a filter is a condition, not ${condition.kind}`);
    return (row) => (condition.at(row) === true ? 0 : held);
  }
  const column = batch.columns[batch.indexOf(step.name)];
  if (column === undefined) throw new InvariantError(`no column ${step.name} in the batch`);
  const write = compileInto(step.expression, batch, zone, column);
  return (row) => {
    write(row);
    return 0;
  };
}

function heldBy(behind: readonly SeenBy[]): number {
  return (
    HELD.back |
    (behind.includes('watermark') ? HELD.behindWatermark : 0) |
    (behind.includes('dedupe') ? HELD.behindDedupe : 0)
  );
}
