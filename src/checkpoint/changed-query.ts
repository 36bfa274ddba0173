/** Says in people's words how a query differs from the one that wrote a checkpoint, and what can be done. */
import { TallystreamError } from '../errors.ts';
import { differences, type Fingerprint, type FingerprintDifference } from '../plan/fingerprint.ts';
import type { Aggregate, GroupKey, Measure } from '../plan/query-plan.ts';

/** A long list is cut to this many items, and the rest counted. */
const ITEMS_MAX = 5;

/** @throws CHECKPOINT_QUERY_CHANGED that names every part that differs */
export function checkFingerprint(stored: Fingerprint, asked: Fingerprint, location: string): void {
  const changed = differences(stored, asked);
  if (changed.length === 0) return;
  throw new TallystreamError('CHECKPOINT_QUERY_CHANGED', {
    what: `The checkpoint in ${location} was written by another query: ${changed.map(sentence).join('; ')}.`,
    why: 'Its totals and offsets belong to the query as it was; going on would make them wrong without a sign.',
    mend:
      'Set this back; or give the query another query.name or query.checkpoint_location, so that it reads from the start; ' +
      'or delete that folder, if its totals are no longer needed.',
  });
}

function sentence({ part, stored, asked }: FingerprintDifference): string {
  if (stored === undefined) return `${part} was not kept in it, and is now ${words(asked as string)}`;
  if (asked === undefined) return `${part} was ${words(stored)}, and is not asked for now`;
  if (part === 'schema') return listSentence(part, fieldsOfDdl(stored), fieldsOfDdl(asked));
  if (part === 'aggregates') return listSentence(part, aggregatesIn(stored), aggregatesIn(asked));
  return `${part} was ${words(stored)} and is now ${words(asked)}`;
}

/** Only the items that differ: a schema has many fields, and one of them changed. */
function listSentence(part: string, stored: readonly string[], asked: readonly string[]): string {
  const gone = stored.filter((item) => !asked.includes(item));
  const added = asked.filter((item) => !stored.includes(item));
  if (gone.length === 0 && added.length === 0) return `${part}: the same ones stood there in another order`;
  return `${part}: there was ${shortList(gone)}, and there is now ${shortList(added)}`;
}

function shortList(items: readonly string[]): string {
  if (items.length === 0) return 'nothing in its place';
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
      `${name}: ${measures.map(measureWords).join(', ')} by ${keys.map(keyWords).join(', ')}`,
  );
}

function measureWords(measure: Measure): string {
  return `${measure.kind === 'sum' ? `sum of ${measure.column}` : 'count'} as ${measure.name}`;
}

function keyWords(key: GroupKey): string {
  return `${key.kind === 'date' ? `day of ${key.column}` : key.column} as ${key.name}`;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A value in quotes; a duration in the largest unit that names it exactly. */
function words(value: string): string {
  const ms = /^(\d+) ms$/.exec(value);
  if (ms === null) return `"${value}"`;
  const durationMs = Number(ms[1]);
  const unit = UNITS.find(([, unitMs]) => durationMs >= unitMs && durationMs % unitMs === 0);
  if (unit === undefined) return `"${durationMs} ms"`;
  const count = durationMs / unit[1];
  return `"${count} ${unit[0]}${count === 1 ? '' : 's'}"`;
}
