/** Three-valued logic, nulls and branches. Arguments are read only where the answer hangs on them. */
import { InvariantError } from '../../errors.ts';
import type { BooleanEvaluator, Evaluator, Reader } from './evaluator.ts';

function conditionOf(of: Evaluator): Reader<boolean> {
  if (of.kind !== 'boolean') throw new InvariantError(`no condition but ${of.kind}`);
  return of.at;
}

/**
 * `AND` where `decides` is false, `OR` where it is true: one argument that `decides` is the answer, whatever the other;
 * else the answer is null if one of them is null.
 */
export function andEvaluator(left: Evaluator, right: Evaluator, decides: boolean): BooleanEvaluator {
  const a = conditionOf(left);
  const b = conditionOf(right);
  return {
    kind: 'boolean',
    at(row) {
      const first = a(row);
      if (first === decides) return decides;
      const second = b(row);
      if (second === decides) return decides;
      return first === undefined || second === undefined ? undefined : !decides;
    },
  };
}

export function notEvaluator(of: Evaluator): BooleanEvaluator {
  const at = conditionOf(of);
  return {
    kind: 'boolean',
    at(row) {
      const value = at(row);
      return value === undefined ? undefined : !value;
    },
  };
}

export function isNullEvaluator(of: Evaluator, answer: boolean): BooleanEvaluator {
  const at: Reader<unknown> =
    of.kind === 'string' && of.bytes !== undefined ? nullOf(of.bytes.column) : of.at;
  return { kind: 'boolean', at: (row) => (at(row) === undefined ? answer : !answer) };
}

/** Whether there is text, without making it. */
function nullOf(column: { readonly start: Int32Array }): Reader<true> {
  return (row) => ((column.start[row] as number) < 0 ? undefined : true);
}

/** An evaluator as the first of `args`, all of which have one type, with another function. */
function withReader(args: readonly Evaluator[], at: Reader<unknown>): Evaluator {
  const [first] = args as [Evaluator, ...Evaluator[]];
  if (first.kind === 'array') throw new InvariantError('arrays have no branches');
  return { ...first, at, ...(first.kind === 'string' ? { bytes: undefined } : {}) } as Evaluator;
}

export function coalesceEvaluator(args: readonly Evaluator[]): Evaluator {
  const readers = args.map(({ at }) => at as Reader<unknown>);
  return withReader(args, (row) => {
    for (const reader of readers) {
      const value = reader(row);
      if (value !== undefined) return value;
    }
    return undefined;
  });
}

/** `args` are condition and result by turns, and after them what holds otherwise, if anything does. */
export function caseEvaluator(args: readonly Evaluator[], branches: number): Evaluator {
  const conditions: Reader<boolean>[] = [];
  const results: Reader<unknown>[] = [];
  for (let branch = 0; branch < branches; branch += 1) {
    conditions.push(conditionOf(args[branch * 2] as Evaluator));
    results.push((args[branch * 2 + 1] as Evaluator).at);
  }
  const otherwise: Reader<unknown> = args[branches * 2]?.at ?? (() => undefined);
  return withReader(args.slice(1), (row) => {
    for (let branch = 0; branch < branches; branch += 1) {
      if ((conditions[branch] as Reader<boolean>)(row) === true)
        return (results[branch] as Reader<unknown>)(row);
    }
    return otherwise(row);
  });
}
