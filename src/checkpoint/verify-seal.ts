/** Whether each table holds the rows that the last commit left there, each as it was written. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../errors.ts';
import { MEND, type FindingParts } from './finding.ts';
import { readIdentity } from './identity.ts';
import type { Seal } from './seal.ts';
import { readSeal } from './seal-row.ts';
import { keyText, storedRows } from './sealed-rows.ts';
import {
  DEDUPE_APPENDED,
  DEDUPE_SEGMENTS,
  PARTITIONS,
  SEALED_TABLES,
  sealedAggregate,
  type SealedTable,
} from './sealed-tables.ts';

type Findings = Generator<FindingParts, void, undefined>;

/** Their rows have checks of their own, which say more. */
const CHECKED_ELSEWHERE: ReadonlySet<string> = new Set(
  [PARTITIONS, DEDUPE_SEGMENTS, DEDUPE_APPENDED].map(({ name }) => name),
);

/** Nothing where the checkpoint is not sealed yet. @throws CHECKPOINT_CORRUPT where the seal itself is damaged */
export function* sealFindings(database: DatabaseSync, location: string, seal: Seal | undefined): Findings {
  // Asked again, since a seal that cannot be read is told apart from none by this check alone.
  if (seal === undefined && readSeal(database, location) === undefined) return;
  for (const table of SEALED_TABLES) {
    yield* tableFindings(database, table, seal, location, !CHECKED_ELSEWHERE.has(table.name));
  }
  for (const aggregate of readIdentity(database, undefined, location).aggregates) {
    yield* tableFindings(database, sealedAggregate(aggregate), seal, location, false);
  }
}

function* tableFindings(
  database: DatabaseSync,
  table: SealedTable,
  seal: Seal | undefined,
  location: string,
  eachRow: boolean,
): Findings {
  const where = `table ${table.name}`;
  try {
    for (const { key, isAsWritten } of storedRows(database, table, seal, location)) {
      if (isAsWritten || !eachRow) continue;
      yield {
        what: 'A row does not match its checksum.',
        where: `${where}, row ${keyText(key)}`,
        why: 'One of its cells, or the checksum, is not what was written.',
        mend: MEND,
      };
    }
  } catch (error) {
    if (!(error instanceof TallystreamError)) throw error;
    yield {
      what: 'A table is not as the last commit left it.',
      where,
      why: error.why ?? error.what,
      mend: MEND,
    };
  }
}
