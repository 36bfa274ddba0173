/** Whether each stored value is what was written: JSON that parses, blobs that match their checksums. */
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { keyCellsOf, storedGroups } from '../tables/aggregate-table.ts';
import { type Cell, eachRow, firstCell } from '../connection.ts';
import { HINT, type FindingParts } from './finding.ts';
import { readIdentity } from '../open/identity.ts';
import { crcOfCells } from '../seals/row-crc.ts';
import type { Seal } from '../seals/seal.ts';
import { readablePlan } from '../tables/stored-batches.ts';
import { ID_BYTES } from '../summary.ts';

type Findings = Generator<FindingParts, void, undefined>;

/** @throws CHECKPOINT_CORRUPT if it does not say which query it belongs to */
export function* identityFindings(database: DatabaseSync, location: string): Findings {
  const { fingerprint, queryName, topic } = readIdentity(database, undefined, location);
  for (const [part, name] of [
    ['query.name', queryName],
    ['log.topic', topic],
  ] as const) {
    if (fingerprint[part] === name) continue;
    yield {
      what: `The checkpoint has two different values of ${part}.`,
      where: 'table meta',
      why: `One is ${JSON.stringify(name)}, and in the fingerprint ${JSON.stringify(fingerprint[part])}.`,
      hint: HINT,
    };
  }
}

const JSON_COLUMNS: readonly (readonly [table: string, column: string, row: string])[] = [
  ['plans', 'plan', 'batch_id'],
  ['commits', 'progress', 'batch_id'],
  ['commits', 'report', 'batch_id'],
  ['dead_letters', 'headers', 'id'],
];

/** Checks every JSON text, and that each plan and progress belongs to its batch. */
export function* jsonFindings(database: DatabaseSync, location: string): Findings {
  for (const [table, column, row] of JSON_COLUMNS) {
    const name = row === 'batch_id' ? 'batch' : row;
    const rows = database.prepare(
      `SELECT ${row}, ${column} FROM ${table} WHERE ${column} IS NOT NULL ORDER BY ${row}`,
    );
    for (const [id, text] of eachRow(rows)) {
      const where = `table ${table}, ${name} ${String(id)}, column ${column}`;
      const { value, problem } = parsed(text);
      if (problem !== undefined)
        yield { what: 'A stored value is not JSON.', where, why: problem, hint: HINT };
      else if ((column === 'plan' || column === 'progress') && batchOf(value) !== id) {
        yield {
          what: `A stored ${column} belongs to another batch.`,
          where,
          why: `It says batch ${String(batchOf(value))}.`,
          hint: HINT,
        };
      } else if (column === 'plan' && readablePlan([id as Cell, text as Cell], location) === undefined) {
        yield {
          what: 'A stored value is not a plan.',
          where,
          why: 'It does not say which offsets of which topic it reads.',
          hint: HINT,
        };
      }
    }
  }
}

/** SQLite has no checksums, and one flipped bit would lose an id. Before seals, the checksums covered only the bytes. */
export function* dedupeFindings(database: DatabaseSync, _location: string, seal: Seal | undefined): Findings {
  for (const [table, row] of [
    ['dedupe_segments', 'segment'],
    ['dedupe_appended', 'batch_id'],
  ] as const) {
    const rows = database.prepare(`SELECT ${row}, crc32, entries FROM ${table} ORDER BY ${row}`);
    for (const [id, crc, entries] of eachRow(rows)) {
      const where = `table ${table}, ${row === 'batch_id' ? 'batch' : row} ${String(id)}`;
      const bytes = entries instanceof Uint8Array ? entries : new Uint8Array(0);
      const expected = seal === undefined ? crc32(bytes) : crcOfCells([id as Cell, bytes]);
      if (expected !== crc) {
        yield {
          what: 'Stored event ids do not match their checksum.',
          where,
          why: `The checksum is ${hex(expected)}, but ${hex(Number(crc))} was written.`,
          hint: HINT,
        };
      } else if (bytes.byteLength % ID_BYTES !== 0) {
        yield {
          what: 'Stored event ids end in the middle of an id.',
          where,
          why: `An id has ${ID_BYTES} bytes, but all together have ${bytes.byteLength}.`,
          hint: HINT,
        };
      }
    }
  }
}

export function* groupFindings(database: DatabaseSync, location: string): Findings {
  for (const aggregate of readIdentity(database, undefined, location).aggregates) {
    const table = `aggregate_${aggregate.name}`;
    if (firstCell(database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?'), table) === undefined) {
      yield {
        what: `The totals of ${aggregate.name} are missing.`,
        where: `table ${table}`,
        why: 'There is no such table.',
        hint: HINT,
      };
      continue;
    }
    const keyCells = keyCellsOf(aggregate);
    for (const { key, state, isAsWritten } of storedGroups(database, aggregate)) {
      const where = `table ${table}, group ${String(key)}`;
      let isFound = false;
      for (const [what, text] of [
        ['key', key],
        ['state', state],
      ] as const) {
        const { problem } = text === null ? {} : parsed(text);
        if (problem === undefined) continue;
        isFound = true;
        yield { what: `The group's ${what} is not JSON.`, where, why: problem, hint: HINT };
      }
      const { value } = parsed(key);
      if (value !== undefined && (!Array.isArray(value) || value.length !== keyCells)) {
        isFound = true;
        yield {
          what: "The group's key does not fit its aggregate.",
          where,
          why: `A key of this aggregate has ${keyCells} cells.`,
          hint: HINT,
        };
      }
      if (isAsWritten || isFound) continue;
      yield {
        what: 'A group does not match its checksum.',
        where,
        why: 'Its key, a total, its state or its checksum is not what was written.',
        hint: HINT,
      };
    }
  }
}

function parsed(text: Cell | undefined): { readonly value?: unknown; readonly problem?: string } {
  if (typeof text !== 'string') return { problem: 'It is not text.' };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: (error as SyntaxError).message };
  }
}

function batchOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'batchId' in value ? value.batchId : undefined;
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
