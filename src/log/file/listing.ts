/** Finding the files of a folder that were not seen yet, entry by entry, however many there are. */
import { opendirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../contracts/clock.ts';
import { folderUnavailable, nameUnreadable } from './errors.ts';
import type { IndexedFile } from './index-db.ts';

export interface Candidate {
  readonly name: string;
  readonly mtimeMs: number;
}

export interface Listing {
  readonly folder: string;
  /** Whether a name, hidden ones aside, is one to be read. */
  readonly matches: (name: string) => boolean;
  readonly find: (name: string) => IndexedFile | undefined;
}

/** Of a larger folder this many of the oldest are kept, and it is listed again after them: 100,000 names are some 10 MB. */
export const CANDIDATES_MAX = 50_000;
/** Other work gets its turn after this many entries. */
const TURN_ENTRIES = 512;

/** Names that begin with a dot or an underscore (as in Spark: `_temporary`, `_SUCCESS`), and those of files on their way. */
function isHidden(name: string): boolean {
  return /^[._]|\.tmp$|\._COPYING_$/i.test(name);
}

/**
 * Files that were not seen, in order of modification time and then name (by code unit), the oldest `max` of them; and
 * `onSeen` for each that was. Folders in the folder are not read.
 * @throws LOG_UNAVAILABLE, and what `onSeen` throws
 */
export async function listUnseen(
  listing: Listing,
  max: number,
  onSeen: (file: IndexedFile, stats: Stats) => Promise<void>,
): Promise<Candidate[]> {
  let candidates: Candidate[] = [];
  for await (const entry of entriesOf(listing)) {
    const seen = listing.find(entry.name);
    // A file that is already gone is no loss here: it was never indexed, or reading it reports the loss.
    const stats = statsOf(listing.folder, entry.name);
    if (stats === undefined) continue;
    if (seen !== undefined) await onSeen(seen, stats);
    else if (stats.isFile()) candidates.push({ name: entry.name, mtimeMs: stats.mtimeMs });
    if (candidates.length >= 2 * max) candidates = oldest(candidates, max);
  }
  return oldest(candidates, max);
}

/** Whether there is any file that was not seen. @throws LOG_UNAVAILABLE */
export async function hasUnseen(listing: Listing): Promise<boolean> {
  for await (const { name } of entriesOf(listing)) {
    if (listing.find(name) !== undefined) continue;
    if (statsOf(listing.folder, name)?.isFile() === true) return true;
  }
  return false;
}

function statsOf(folder: string, name: string): Stats | undefined {
  const stats = inFolder(folder, () => statSync(join(folder, name), { throwIfNoEntry: false }));
  // A name that is not UTF-8 is listed as another, under which there is nothing: silence would pass it over forever.
  if (stats === undefined && name.includes('\uFFFD')) throw nameUnreadable(folder, name);
  return stats;
}

function oldest(candidates: readonly Candidate[], max: number): Candidate[] {
  return candidates
    .toSorted((left, right) => left.mtimeMs - right.mtimeMs || (left.name < right.name ? -1 : 1))
    .slice(0, max);
}

async function* entriesOf({ folder, matches }: Listing): AsyncGenerator<Dirent> {
  const dir = inFolder(folder, () => opendirSync(folder, { bufferSize: TURN_ENTRIES }));
  try {
    for (let count = 1; ; count += 1) {
      const entry = inFolder(folder, () => dir.readSync());
      if (entry === null) return;
      if (!entry.isDirectory() && !isHidden(entry.name) && matches(entry.name)) yield entry;
      if (count % TURN_ENTRIES === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    dir.closeSync();
  }
}

/** A folder's own modification time settles a moment after its last change; so long it may still move without showing. */
const SETTLING_MS = 2_000;
/** Listings that found the folder's time unchanged, before it is believed. */
const SETTLED_AFTER_LISTINGS = 4;
/** Network drives may show an old time of a folder, and a file written over shows in none: so often it is listed anyhow. */
const LISTED_EVERY_MS = 30_000;

/**
 * Whether the folder has to be listed: one of 100,000 files takes a good part of a second, and its modification time says
 * for almost nothing that no name came or went.
 */
export class FolderWatch {
  private readonly folder: string;
  private readonly clock: Clock;
  private mtimeMs = Number.NaN;
  private unchangedListings = 0;
  private listedAtMs = -Infinity;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.clock = clock;
  }

  /** Call {@link listed} with the token once the listing that it asks for has found nothing. @throws LOG_UNAVAILABLE */
  mayHaveChanged(): { readonly mtimeMs: number } | undefined {
    const { mtimeMs } = inFolder(this.folder, () => statSync(this.folder));
    const isSettled =
      mtimeMs === this.mtimeMs &&
      this.unchangedListings >= SETTLED_AFTER_LISTINGS &&
      this.clock.nowMs() - mtimeMs > SETTLING_MS &&
      this.clock.monotonicMs() - this.listedAtMs < LISTED_EVERY_MS;
    return isSettled ? undefined : { mtimeMs };
  }

  /** A listing found something: what is done with it may fail, and has to be found again then. */
  found(): void {
    this.mtimeMs = Number.NaN;
  }

  /** A listing that began after `mayHaveChanged` found nothing new. */
  listed({ mtimeMs }: { readonly mtimeMs: number }): void {
    this.unchangedListings = mtimeMs === this.mtimeMs ? this.unchangedListings + 1 : 0;
    this.mtimeMs = mtimeMs;
    this.listedAtMs = this.clock.monotonicMs();
  }
}

function inFolder<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw folderUnavailable(folder, error);
  }
}
