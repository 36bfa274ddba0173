/** Describes how a query differs from the one that wrote a checkpoint, and what the user can do. */
import { TallystreamError } from '../../errors.ts';
import type { FingerprintDifference } from '../../plan/fingerprint.ts';
import { explainExpr } from '../../plan/expression/text.ts';
import type { Aggregate, GroupKey, Measure } from '../../plan/query-plan.ts';
import type { QueryChange } from '../../plan/query-change.ts';
import type { Step } from '../../plan/step.ts';

/** A long list is cut to this many items; the rest is only counted. */
const ITEMS_MAX = 5;

/** A change with which the query continues, and which the user should know about. */
export interface QueryChangeNote {
  readonly change: 'aggregate added' | 'aggregate removed' | 'aggregate resumed' | 'output mode';
  /** The aggregate's name, or the new mode. */
  readonly name: string;
  /** The first batch with the change. */
  readonly batchId: number;
  /** The effect of the change, in one sentence. */
  readonly words: string;
}

/** @throws CHECKPOINT_QUERY_CHANGED, which names every change with which the query cannot continue */
export function checkChange({ refused }: QueryChange, location: string): void {
  if (refused.length === 0) return;
  throw new TallystreamError('CHECKPOINT_QUERY_CHANGED', {
    what: `The checkpoint in ${location} was written by another query: ${refused.map(sentence).join('; ')}.`,
    why: 'Its totals and offsets belong to the earlier query. With this query they would become wrong unnoticed.',
    hint:
      'Undo this change; or set another query.name or query.checkpoint_location, so that the query reads from the start; ' +
      'or delete that folder if you no longer need its totals.',
  });
}

/** Messages for the changes with which the query continues; none before the first batch. */
export function notesOf({ added, removed, resumed, mode }: QueryChange, batchId: number): QueryChangeNote[] {
  if (batchId === 0) return [];
  return [
    ...added.map(({ name }) => ({
      change: 'aggregate added' as const,
      name,
      batchId,
      words: `${name} is new: it counts from batch ${batchId} on, without events that were read before.`,
    })),
    ...removed.map(({ name }) => ({
      change: 'aggregate removed' as const,
      name,
      batchId,
      words: `${name} was removed: its totals stay as they were before batch ${batchId}. Once that batch is committed, it cannot be added again under this name.`,
    })),
    ...resumed.map(({ name }) => ({
      change: 'aggregate resumed' as const,
      name,
      batchId,
      words: `${name} was added again before a batch was committed without it: its totals have no gap.`,
    })),
    ...(mode === undefined
      ? []
      : [
          {
            change: 'output mode' as const,
            name: mode.asked,
            batchId,
            words: `The output mode changes from ${mode.stored} to ${mode.asked} from batch ${batchId} on.`,
          },
        ]),
  ];
}

function sentence({ part, stored, asked }: FingerprintDifference): string {
  if (stored === undefined) return `${part} was not stored, and is now ${words(asked as string)}`;
  if (asked === undefined) return `${part} was ${words(stored)}, and is now missing`;
  if (part === 'schema') return listSentence(part, fieldsOfDdl(stored), fieldsOfDdl(asked));
  if (part === 'aggregates') return listSentence(part, aggregatesIn(stored), aggregatesIn(asked));
  if (part === 'computed columns') return listSentence(part, computedIn(stored), computedIn(asked));
  return `${part} was ${words(stored)} and is now ${words(asked)}`;
}

/** Only the items that differ: a schema has many fields, and usually one has changed. */
function listSentence(part: string, stored: readonly string[], asked: readonly string[]): string {
  const gone = stored.filter((item) => !asked.includes(item));
  const added = asked.filter((item) => !stored.includes(item));
  if (gone.length === 0 && added.length === 0) return `${part}: the same items were in another order`;
  return `${part}: removed ${shortList(gone)}, added ${shortList(added)}`;
}

function shortList(items: readonly string[]): string {
  if (items.length === 0) return 'nothing';
  const shown = items.slice(0, ITEMS_MAX).map((item) => `"${item}"`);
  const left = items.length - shown.length;
  return shown.join(', ') + (left > 0 ? ` and ${left} more` : '');
}

/** The fields of a DDL string: commas inside `<…>` and `(…)` belong to a field's type. */
function fieldsOfDdl(ddl: string): string[] {
  const fields: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < ddl.length; index += 1) {
    const character = ddl.charAt(index);
    if (character === '<' || character === '(') depth += 1;
    else if (character === '>' || character === ')') depth -= 1;
    else if (character === ',' && depth === 0) {
      fields.push(ddl.slice(start, index).trim());
      start = index + 1;
    }
  }
  return [...fields, ddl.slice(start).trim()];
}

function aggregatesIn(json: string): string[] {
  return (JSON.parse(json) as Aggregate[]).map(
    ({ name, keys, measures }) =>
      `${name}: ${measures.map(measureWords).join(', ')} by ${keys.map(keyWords).join(', ') || 'nothing'}`,
  );
}

function computedIn(json: string): string[] {
  return (JSON.parse(json) as Extract<Step, { kind: 'withColumn' }>[]).map(
    ({ name, expression, type }) => `${name}: ${explainExpr(expression)} as ${type.kind}`,
  );
}

function measureWords(measure: Measure): string {
  const { kind, name, column } = measure;
  const within = kind === 'approxCountDistinct' ? ` within ${measure.relativeError}` : '';
  return `${kind}${column === undefined ? '' : ` of ${column}`}${within} as ${name}`;
}

function keyWords(key: GroupKey): string {
  const { column, name } = key;
  switch (key.kind) {
    case 'date':
      return `day of ${column} as ${name}`;
    case 'column':
      return `${column} as ${name}`;
    case 'window':
      return `windows of ${key.sizeMs} ms every ${key.slideMs} ms from ${key.startMs} ms over ${column} as ${name}`;
    case 'sessionWindow':
      return `sessions of ${column} with a gap of ${key.gapMs} ms as ${name}`;
  }
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A value in quotes; a duration in the largest unit that is exact. */
function words(value: string): string {
  const ms = /^(\d+) ms$/.exec(value);
  if (ms === null) return `"${value}"`;
  const durationMs = Number(ms[1]);
  const unit = UNITS.find(([, unitMs]) => durationMs >= unitMs && durationMs % unitMs === 0);
  if (unit === undefined) return `"${durationMs} ms"`;
  const count = durationMs / unit[1];
  return `"${count} ${unit[0]}${count === 1 ? '' : 's'}"`;
}
