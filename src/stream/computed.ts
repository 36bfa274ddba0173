/** Computed columns of a stream. */
import { leavesOf, type LeafType } from '../columns/schema/schema.ts';
import { columnTypeOf } from '../plan/expression/analyze.ts';
import type { Expression } from '../plan/expression/node.ts';
import { expressionIn, withComputed } from './scope.ts';
import type { StreamParts } from './stream-parts.ts';

/** The stream with one column more, and how the plan calls it. @throws USAGE for an expression that has no meaning here */
export function compute(
  parts: StreamParts,
  name: string,
  expression: Expression,
  where: string,
): { readonly parts: StreamParts; readonly column: string; readonly type: LeafType } {
  const type = columnTypeOf(expression, parts.scope.schema, where);
  const column = freeName(parts, name);
  const step = {
    kind: 'withColumn' as const,
    name: column,
    expression: expressionIn(parts.scope, expression, where),
    type,
  };
  return {
    parts: {
      ...parts,
      steps: [...parts.steps, Object.freeze(step)],
      scope: withComputed(parts.scope, name, type, column),
    },
    column,
    type,
  };
}

/** A column of the plan keeps its name forever, so one that takes another's place has its own name. */
function freeName({ input, steps }: StreamParts, name: string): string {
  const taken = new Set(leavesOf(input).map(({ path }) => path.split('.', 1)[0]));
  for (const step of steps) if (step.kind === 'withColumn') taken.add(step.name);
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}#${number}`)) number += 1;
  return `${name}#${number}`;
}
