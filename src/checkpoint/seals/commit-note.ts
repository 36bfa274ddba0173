/**
 * Notes the last commit, in a separate file next to the checkpoint. SQLite drops the end of a WAL that does not match its
 * checksums, as it must after a power loss, and the remaining file is a sound earlier commit. The note shows that there was
 * a later one.
 *
 * It is written after the commit is durable, without an fsync. So it is never ahead of the durable state: a power loss can
 * only leave an older or unreadable note, and such a note demands less.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { corrupt } from '../errors.ts';
import { parseSeal, sealText, type Seal } from './seal.ts';

/** One write of one block: the text is padded with spaces, so that a shorter text overwrites a longer one completely. */
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

  /** Called after each transaction that should be noted. Never throws: if it fails, the commit is kept anyway. */
  write({ queryId, epoch, batchId }: Seal): void {
    const text = sealText({ queryId, epoch, batchId, tables: {} });
    if (this.descriptor === undefined || text === this.written) return;
    try {
      writeSync(this.descriptor, text.padEnd(NOTE_BYTES), 0);
      this.written = text;
    } catch {
      // An older note demands less.
    }
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
  }
}

/** Does not follow a symbolic link in its place, since it may point to any file. */
function openNote(location: string): number | undefined {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  try {
    return openSync(noteFile(location), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch {
    return undefined;
  }
}

/** The content of the note, for {@link checkNoted}. Read it before the checkpoint, which is then the same or newer. */
export function readNote(location: string): Seal | undefined {
  try {
    return parseSeal(readFileSync(noteFile(location), 'utf8').trimEnd());
  } catch {
    return undefined;
  }
}

/** @throws CHECKPOINT_CORRUPT if a later commit than that of `seal` was made in this folder */
export function checkNoted(location: string, seal: Seal, noted = readNote(location)): void {
  if (noted === undefined || noted.queryId !== seal.queryId) return;
  if (noted.batchId <= seal.batchId && noted.epoch <= seal.epoch) return;
  const nameOf = ({ batchId, epoch }: Seal): string =>
    `${batchId < 0 ? 'no batch' : `batch ${batchId}`} of epoch ${epoch}`;
  throw corrupt(
    location,
    `It ends with ${nameOf(seal)}, but ${nameOf(noted)} was committed: the end of checkpoint.db-wal was lost or damaged, or an older checkpoint.db was restored. If you restored it on purpose, delete the file last-commit in the same folder.`,
  );
}
