/** Whether the accounting balances, and agrees with the stored commits, dead letters and duplicates. */
import type { DatabaseSync } from 'node:sqlite';
import type { Accounting } from '../../contracts/batch.ts';
import { allRows, eachRow, firstCell } from '../connection.ts';
import { HINT, type FindingParts } from './finding.ts';
import { storedAccounting, storedCommits, type StoredCommit } from '../tables/stored-batches.ts';

type Findings = Generator<FindingParts, void, undefined>;

const NAMES = ['read', 'accepted', 'invalid', 'duplicate', 'late'] as const;

/** The number of stored letters and duplicates of one batch, or of all batches. */
interface Kept {
  readonly invalid: number;
  readonly duplicate: number;
  readonly late: number;
}

export function* accountingFindings(database: DatabaseSync): Findings {
  const total = storedAccounting(database);
  if (total === undefined) {
    yield finding(
      'The accounting is missing.',
      'table accounting',
      'This table always has one row, from the start.',
    );
    return;
  }
  const commits = storedCommits(database);
  yield* balanceFindings(total, 'table accounting');
  for (const { batchId, accounting } of commits) {
    yield* balanceFindings(accounting, `table commits, batch ${batchId}`);
  }
  yield* sumFindings(total, commits);
  const kept = keptByBatch(database);
  for (const { batchId, accounting } of commits) {
    yield* keptFindings(accounting, kept.get(batchId) ?? NOTHING, `batch ${batchId}`);
  }
  const all = [...kept.values()].reduce(
    (sum, each) => ({
      invalid: sum.invalid + each.invalid,
      duplicate: sum.duplicate + each.duplicate,
      late: sum.late + each.late,
    }),
    NOTHING,
  );
  yield* keptFindings(total, all, 'all batches');
  yield* byteFindings(database);
}

const NOTHING: Kept = { invalid: 0, duplicate: 0, late: 0 };

function* balanceFindings(accounting: Accounting, where: string): Findings {
  const { read, accepted, invalid, duplicate, late } = accounting;
  if (read === accepted + invalid + duplicate + late) return;
  yield finding(
    'The accounting does not balance.',
    where,
    `${read} read is not ${accepted} accepted + ${invalid} invalid + ${duplicate} duplicate + ${late} late.`,
  );
}

/** Commits of old batches are removed. Before that the sums equal the totals; later they are at most the totals. */
function* sumFindings(total: Accounting, commits: readonly StoredCommit[]): Findings {
  const isWhole = commits.length === 0 || commits[0]?.batchId === 0;
  for (const name of NAMES) {
    const sum = commits.reduce((before, { accounting }) => before + accounting[name], 0);
    if (isWhole ? sum === total[name] : sum <= total[name]) continue;
    yield finding(
      'The accounting is not the sum of its batches.',
      `table accounting, column ${name}`,
      `It says ${total[name]}, but the ${commits.length} stored batches${isWhole ? ', which are all batches,' : ''} have ${sum}.`,
    );
  }
}

function* keptFindings(counted: Accounting, kept: Kept, where: string): Findings {
  for (const [name, table] of [
    ['invalid', 'dead_letters'],
    ['late', 'dead_letters'],
    ['duplicate', 'duplicates'],
  ] as const) {
    if (counted[name] === kept[name]) continue;
    yield finding(
      `The number of events counted as ${name} is not the number of stored rows.`,
      `table ${table}, ${where}`,
      `${counted[name]} were counted, but ${kept[name]} are stored.`,
    );
  }
}

function keptByBatch(database: DatabaseSync): ReadonlyMap<number, Kept> {
  const kept = new Map<number, Kept>();
  const letters = database.prepare(
    "SELECT batch_id, sum(reason <> 'LATE'), sum(reason = 'LATE') FROM dead_letters GROUP BY batch_id",
  );
  for (const [batchId, invalid, late] of allRows(letters)) {
    kept.set(batchId as number, { invalid: invalid as number, late: late as number, duplicate: 0 });
  }
  const duplicates = database.prepare('SELECT batch_id, count(*) FROM duplicates GROUP BY batch_id');
  for (const [batchId, duplicate] of allRows(duplicates)) {
    const before = kept.get(batchId as number) ?? NOTHING;
    kept.set(batchId as number, { ...before, duplicate: duplicate as number });
  }
  return kept;
}

function* byteFindings(database: DatabaseSync): Findings {
  const counted = Number(firstCell(database.prepare('SELECT dead_letter_bytes FROM accounting')));
  let bytes = Number(
    firstCell(
      database.prepare(
        'SELECT total(coalesce(length(key), 0) + coalesce(length(value), 0)) FROM dead_letters',
      ),
    ),
  );
  for (const [text] of eachRow(
    database.prepare('SELECT headers FROM dead_letters WHERE headers IS NOT NULL AND json_valid(headers)'),
  )) {
    for (const [name, value] of JSON.parse(text as string) as [string, string][]) {
      bytes += name.length + Buffer.byteLength(value, 'base64');
    }
  }
  if (bytes === counted) return;
  yield finding(
    'The size of the dead letters is not the counted size.',
    'table accounting, column dead_letter_bytes',
    `It says ${counted} bytes, but the dead letters have ${bytes}.`,
  );
}

function finding(what: string, where: string, why: string): FindingParts {
  return { what, where, why, hint: HINT };
}
