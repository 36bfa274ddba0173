/** Whether each table has exactly the rows of the last commit, each as it was written. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import { GROUP_CRC } from '../tables/aggregate-columns.ts';
import { checkpointFailure } from '../errors.ts';
import { HINT, type FindingParts } from './finding.ts';
import type { Seal } from '../seals/seal.ts';
import { readSeal } from '../seals/seal-row.ts';
import { checkSeal, keyText, storedRows, sumsOf } from '../seals/sealed-rows.ts';
import {
  DEDUPE_APPENDED,
  DEDUPE_SEGMENTS,
  PARTITIONS,
  SEALED_TABLES,
  type SealedTable,
} from '../seals/sealed-tables.ts';

type Findings = Generator<FindingParts, void, undefined>;

/** Other checks cover the rows of these tables in more detail. */
const CHECKED_ELSEWHERE: readonly SealedTable[] = [PARTITIONS, DEDUPE_SEGMENTS, DEDUPE_APPENDED];

/** No findings if the checkpoint is not sealed yet. @throws CHECKPOINT_CORRUPT if the seal itself is damaged */
export function* sealFindings(database: DatabaseSync, location: string, seal: Seal | undefined): Findings {
  if (seal === undefined) {
    // Read again: a missing seal is not a finding here, but an unreadable one is.
    readSeal(database, location);
    return;
  }
  const rows = SEALED_TABLES.filter((table) => !CHECKED_ELSEWHERE.includes(table));
  for (const table of rows) {
    yield* guardedFindings(table.name, location, () => rowFindings(database, table, seal, location));
  }
  // Uses the names in the seal, since the list of aggregates in the checkpoint may itself be damaged.
  const known = new Set(rows.map(({ name }) => name));
  for (const name of Object.keys(seal.tables).filter((each) => !known.has(each))) {
    const crc = CHECKED_ELSEWHERE.find((table) => table.name === name)?.crc ?? GROUP_CRC;
    yield* guardedFindings(name, location, () => {
      checkSeal({ name }, sumsOf({ database, table: { name, crc } }), seal, location);
      return [];
    });
  }
}

function* rowFindings(database: DatabaseSync, table: SealedTable, seal: Seal, location: string): Findings {
  for (const { key, isAsWritten } of storedRows(database, table, seal, location)) {
    if (isAsWritten) continue;
    yield {
      what: 'A row does not match its checksum.',
      where: `table ${table.name}, row ${keyText(key)}`,
      why: 'One of its cells, or the checksum, is not what was written.',
      hint: HINT,
    };
  }
}

/** An unreadable table does not stop the check of the next one. */
function* guardedFindings(name: string, location: string, find: () => Iterable<FindingParts>): Findings {
  try {
    yield* find();
  } catch (error) {
    const failure = checkpointFailure(error, { location });
    if (!(failure instanceof TallystreamError) || failure.code !== 'CHECKPOINT_CORRUPT') throw failure;
    yield {
      what: 'A table does not have the rows of the last commit.',
      where: `table ${name}`,
      why: failure.why ?? failure.what,
      hint: HINT,
    };
  }
}
