/**
 * Which commit was the last, in a file of its own beside the checkpoint. SQLite drops the end of a WAL that does not match
 * its checksums, as it must after a loss of power, and what is left is an earlier commit in good order. The note shows
 * that a later one was there.
 *
 * It is written after the commit is durable, and without an fsync of its own. So it is never ahead of what is kept: a loss
 * of power can only leave an older note, or one that cannot be read, and those ask for less.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { corrupt } from '../errors.ts';
import { parseSeal, sealText, type Seal } from './seal.ts';

/** One write of one block: the text is filled up with spaces, so that a shorter one leaves nothing of a longer one. */
const NOTE_BYTES = 256;

export function noteFile(location: string): string {
  return join(location, 'last-commit');
}

export class CommitNote {
  private readonly descriptor: number | undefined;
  private written = '';

  constructor(location: string) {
    this.descriptor = openNote(location);
  }

  /** Called after each transaction that is to be remembered. The commit is kept where this fails, so nothing is thrown. */
  write({ queryId, epoch, batchId }: Seal): void {
    const text = sealText({ queryId, epoch, batchId, tables: {} });
    if (this.descriptor === undefined || text === this.written) return;
    try {
      writeSync(this.descriptor, text.padEnd(NOTE_BYTES), 0);
      this.written = text;
    } catch {
      // An older note asks for less.
    }
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
  }
}

/** A link in its place is not followed: what it names may be anybody's file. */
function openNote(location: string): number | undefined {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  try {
    return openSync(noteFile(location), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch {
    return undefined;
  }
}

/** What the note says, for {@link checkNoted}; read before the checkpoint is, which is then the same or newer. */
export function readNote(location: string): Seal | undefined {
  try {
    return parseSeal(readFileSync(noteFile(location), 'utf8').trimEnd());
  } catch {
    return undefined;
  }
}

/** @throws CHECKPOINT_CORRUPT where a later commit than that of `seal` was made in this folder */
export function checkNoted(location: string, seal: Seal, noted = readNote(location)): void {
  if (noted === undefined || noted.queryId !== seal.queryId) return;
  if (noted.batchId <= seal.batchId && noted.epoch <= seal.epoch) return;
  const nameOf = ({ batchId, epoch }: Seal): string =>
    `${batchId < 0 ? 'no batch' : `batch ${batchId}`} of epoch ${epoch}`;
  throw corrupt(
    location,
    `It ends with ${nameOf(seal)}, and ${nameOf(noted)} was committed: the end of checkpoint.db-wal was lost or damaged, or an older checkpoint.db was put here. If that was done on purpose, delete the file last-commit in the same folder.`,
  );
}
