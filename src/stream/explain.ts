/** A plan as a tree that people read, the last thing that happens on top, as Spark explains its plans. */
import { leavesOf } from '../columns/schema/schema.ts';
import { explainExpr } from '../plan/expression/text.ts';
import type { Aggregate, GroupKey, Measure, QueryPlan } from '../plan/query-plan.ts';
import type { SeenBy } from '../plan/step.ts';

export function explainPlan(plan: QueryPlan): string {
  const chain = [
    `Output ${plan.outputMode}`,
    ...operations(plan).toReversed(),
    ...(plan.rules.length === 0 ? [] : [`Validate ${plan.rules.length} rules`]),
    `Read ${plan.topic} [${leavesOf(plan.schema)
      .map(({ path }) => path)
      .join(', ')}]`,
  ];
  const [output = '', ...rest] = chain;
  const middle = plan.aggregates.length > 0 ? plan.aggregates.map(aggregateText) : [rowsText(plan)];
  const lines = [output, ...middle.map((text) => `+- ${text}`)];
  rest.forEach((text, depth) => lines.push(`${'   '.repeat(depth + 1)}+- ${text}`));
  return `${lines.join('\n')}\n`;
}

/** In the order in which events meet them: a filter is behind what has seen the events that it holds back. */
function operations({ steps, watermark, dedupe }: QueryPlan): string[] {
  const left = new Map<SeenBy, string>();
  if (watermark.column !== null)
    left.set('watermark', `Watermark ${watermark.column}, delay ${delayText(watermark.delayMs)}`);
  if (dedupe !== null) left.set('dedupe', `DropDuplicatesWithinWatermark [${dedupe.columns.join(', ')}]`);
  const texts: string[] = [];
  for (const step of steps) {
    if (step.kind === 'filter') {
      for (const [operation, text] of left) {
        if (step.behind?.includes(operation) !== true) continue;
        texts.push(text);
        left.delete(operation);
      }
      texts.push(`Filter ${explainExpr(step.condition)}`);
    } else texts.push(`WithColumn ${step.name} = ${explainExpr(step.expression)}`);
  }
  return [...texts, ...left.values()];
}

function rowsText({ rows }: QueryPlan): string {
  return `Select [${(rows ?? []).map(({ name, column }) => (name === column ? name : `${column} AS ${name}`)).join(', ')}]`;
}

function aggregateText({ name, keys, measures }: Aggregate): string {
  return `Aggregate ${name}: keys [${keys.map(keyText).join(', ')}], measures [${measures.map(measureText).join(', ')}]`;
}

function keyText(key: GroupKey): string {
  const named = (text: string): string => (text === key.name ? text : `${text} AS ${key.name}`);
  switch (key.kind) {
    case 'column':
      return named(key.column);
    case 'date':
      return named(`toDate(${key.column})`);
    case 'window':
      return named(`window(${key.column}, ${key.sizeMs} ms, ${key.slideMs} ms)`);
    case 'sessionWindow':
      return named(`sessionWindow(${key.column}, ${key.gapMs} ms)`);
  }
}

function measureText({ kind, name, column }: Measure): string {
  return `${kind}(${column ?? ''}) AS ${name}`;
}

function delayText(delayMs: number | null): string {
  return delayMs === null ? 'off' : `${delayMs} ms`;
}
