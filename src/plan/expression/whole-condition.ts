/** Finds conditions that a callback made and left out: `a.gt(3) && b.gt(3)` is `b.gt(3)` alone, since every object is true. */
import { TallystreamError } from '../../errors.ts';
import { childrenOf, type CallName, type Expression } from './node.ts';
import { explainExpr } from './text.ts';

const CONDITIONS: ReadonlySet<CallName> = new Set([
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'eqNullSafe',
  'isIn',
  'and',
  'or',
  'not',
  'isNull',
  'isNotNull',
  'arrayContains',
] as const satisfies readonly CallName[]);

/** What is made while a callback runs; undefined while none does. */
let made: Set<Expression> | undefined;

/** Told of every node that a program makes. */
export function noteNode(node: Expression): void {
  if (made !== undefined && node.kind === 'call' && CONDITIONS.has(node.name)) made.add(node);
}

/** What `build` gives. @throws USAGE if it made a condition that is not a part of it */
export function wholeOf<Built extends { readonly node: Expression }>(
  where: string,
  build: () => Built,
): Built {
  const around = made;
  const left = new Set<Expression>();
  made = left;
  let built: Built;
  try {
    built = build();
  } finally {
    made = around;
  }
  // A value that is not an expression has its own message.
  if (typeof built !== 'object' || !('node' in built)) return built;
  const used = (node: Expression): void => {
    left.delete(node);
    childrenOf(node).forEach(used);
  };
  used(built.node);
  const forgotten = [...left].at(-1);
  if (forgotten === undefined) return built;
  throw new TallystreamError('USAGE', {
    what: `${where}: the condition ${explainExpr(forgotten)} was built, but it is not part of ${explainExpr(built.node)}.`,
    why: 'With && and ||, JavaScript returns one of the two expressions and drops the other.',
    hint: 'Write a.and(b), a.or(b) and not(a).',
  });
}
