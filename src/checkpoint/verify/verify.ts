/**
 * Verifies a checkpoint without its query: checks the file with SQLite, and the invariants between its tables. Every check
 * runs independently, so that unreadable data in one check does not hide the findings of another.
 */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../../errors.ts';
import { checkNoted, readNote } from '../seals/commit-note.ts';
import { eachRow } from '../connection.ts';
import { checkpointFailure } from '../errors.ts';
import { HINT, type Finding, type FindingParts } from './finding.ts';
import type { Seal } from '../seals/seal.ts';
import { readSeal } from '../seals/seal-row.ts';
import { storedVersion, UNSEALED_VERSION } from '../tables/tables.ts';
import { accountingFindings } from './accounting.ts';
import { historyFindings } from './history.ts';
import { protocolFindings } from './protocol.ts';
import { sealFindings } from './seal.ts';
import { dedupeFindings, groupFindings, identityFindings, jsonFindings } from './stored.ts';
import { openPresent } from '../open/open-present.ts';

/** One damaged page can damage a million rows; the user only needs the first ones. */
const FINDINGS_MAX = 20;
/** The maximum number of problems that SQLite lists. */
const PROBLEMS_MAX = 100;

export interface Verification {
  readonly location: string;
  /** False in a checkpoint of a version before seals: missing rows cannot be detected in it. */
  readonly isSealed: boolean;
  /** The completed checks, in their order. */
  readonly checks: readonly string[];
  /** Empty if the checkpoint is sound. */
  readonly findings: readonly Finding[];
}

type Check = (database: DatabaseSync, location: string, seal: Seal | undefined) => Iterable<FindingParts>;

const CHECKS: Readonly<Record<string, Check>> = {
  integrity: integrityFindings,
  seal: sealFindings,
  identity: identityFindings,
  json: jsonFindings,
  protocol: protocolFindings,
  history: historyFindings,
  accounting: accountingFindings,
  dedupe: dedupeFindings,
  groups: groupFindings,
};

/**
 * Writes nothing, and sees one commit even while a query runs. Blocks this thread while it reads the file.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_LOCKED, CONFIG_INVALID (the folder cannot be used)
 */
export function verifyCheckpoint({ location }: { readonly location: string }): Verification {
  let database: DatabaseSync;
  try {
    database = openPresent(location);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return {
      location,
      isSealed: false,
      checks: ['file'],
      findings: [{ check: 'file', ...unreadable(error, 'checkpoint.db') }],
    };
  }
  try {
    const noted = readNote(location);
    database.exec('BEGIN');
    const seal = sealIn(database, location);
    const all: Readonly<Record<string, Check>> = {
      ...CHECKS,
      note: (_database: DatabaseSync, folder: string) => noteFindings(folder, seal, noted),
    };
    const findings = Object.entries(all).flatMap(([name, check]) =>
      findingsOf(name, () => check(database, location, seal), location),
    );
    const isSealed = storedVersion(database) !== UNSEALED_VERSION;
    return { location, isSealed, checks: ['file', ...Object.keys(all)], findings };
  } catch (error) {
    throw checkpointFailure(error, { location });
  } finally {
    // Closing the connection also ends the snapshot, even if the file is damaged.
    database.close();
  }
}

/** undefined if there is none, or if it is damaged, which the check of the seal reports. */
function sealIn(database: DatabaseSync, location: string): Seal | undefined {
  try {
    return readSeal(database, location);
  } catch {
    return undefined;
  }
}

function* noteFindings(
  location: string,
  seal: Seal | undefined,
  noted: Seal | undefined,
): Generator<FindingParts, void, undefined> {
  if (seal === undefined) return;
  try {
    checkNoted(location, seal, noted);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    yield {
      what: 'A later commit was made in this folder.',
      where: 'checkpoint.db-wal',
      why: error.why ?? error.what,
      hint: HINT,
    };
  }
}

function findingsOf(check: string, find: () => Iterable<FindingParts>, location: string): Finding[] {
  const findings: Finding[] = [];
  try {
    for (const parts of find()) {
      if (findings.length === FINDINGS_MAX) {
        findings.push({
          check,
          what: `There are more than ${FINDINGS_MAX} findings of this kind.`,
          where: 'checkpoint.db',
          why: 'Only the first are listed.',
          hint: HINT,
        });
        break;
      }
      findings.push({ check, ...parts });
    }
  } catch (error) {
    const failure = checkpointFailure(error, { location });
    // A stored value with valid JSON but a wrong shape causes a TypeError.
    if (!isCorrupt(failure) && !(failure instanceof TypeError)) throw failure;
    findings.push({ check, ...unreadable(failure, `what the check "${check}" reads`) });
  }
  return findings;
}

function isCorrupt(error: unknown): error is TallystreamError {
  return error instanceof TallystreamError && error.code === 'CHECKPOINT_CORRUPT';
}

function unreadable(error: TallystreamError | TypeError, where: string): FindingParts {
  const why = error instanceof TallystreamError ? (error.why ?? error.what) : error.message;
  return { what: 'It cannot be read completely.', where, why, hint: HINT };
}

/** https://www.sqlite.org/pragma.html#pragma_integrity_check: pages, rows, constraints and indexes. */
function* integrityFindings(database: DatabaseSync): Generator<FindingParts, void, undefined> {
  for (const [problem] of eachRow(database.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`))) {
    const why = String(problem);
    if (why === 'ok') return;
    yield {
      what: 'SQLite finds the file damaged.',
      where: 'checkpoint.db',
      why,
      hint: /\bindex\b/.test(why)
        ? 'Stop the query and run REINDEX on checkpoint.db with a SQLite client, which rebuilds the index from its table. Then verify again.'
        : HINT,
    };
  }
}
