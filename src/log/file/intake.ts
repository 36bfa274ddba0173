/** Taking new files in: what a look at the folder does to the index. */
import type { Clock } from '../../contracts/clock.ts';
import { TallystreamError } from '../../errors.ts';
import type { FileIndex, ScannedFile } from './index-db.ts';
import { CANDIDATES_MAX, FolderWatch, hasUnseen, listUnseen, type Candidate } from './listing.ts';
import type { FileVerifier } from './scan.ts';
import { scanFile } from './scan.ts';

/** What one transaction takes in at most: its cost is spread over many small files, and no large one's work is lost. */
const BATCH_FILES_MAX = 500;
const BATCH_BYTES_MAX = 256 * 1024 * 1024;

export interface IntakeOptions {
  readonly folder: string;
  readonly matches: (name: string) => boolean;
  readonly index: FileIndex;
  readonly verifier: FileVerifier;
  readonly clock: Clock;
  /** How many files a look shows; Infinity shows all. */
  readonly filesPerLook: number;
}

export class FileIntake {
  private readonly options: IntakeOptions;
  private readonly watch: FolderWatch;
  /** Listed and not taken in yet, the next one last. As in Spark, what is known is read before the folder is listed again. */
  private candidates: Candidate[] = [];
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: IntakeOptions) {
    this.options = options;
    this.watch = new FolderWatch(options.folder, options.clock);
  }

  /**
   * Shows the next files, after taking in as many as that needs. Files without a line do not count as a look: its reader
   * would take it for the end. One look at a time.
   * @throws RECORD_TOO_LARGE, INPUT_UNREADABLE, LOG_UNAVAILABLE, LOG_CORRUPT, STORAGE_FULL
   */
  look(): Promise<void> {
    return this.inTurn(async () => {
      const { index, filesPerLook } = this.options;
      for (const before = index.shownEnd(); index.shownEnd() === before;) {
        const waiting = index.waiting(filesPerLook);
        if (waiting < filesPerLook) await this.takeIn(filesPerLook - waiting);
        if (index.waiting(1) === 0 || index.show(filesPerLook) === 0) return;
      }
    });
  }

  /** Takes in all that is there, and shows nothing of it. @throws as `look` does */
  takeInAll(): Promise<void> {
    return this.inTurn(() => this.takeIn(Infinity));
  }

  /** Whether the next look would find a file to show. Changes nothing. @throws LOG_UNAVAILABLE */
  async hasMore(): Promise<boolean> {
    const { index } = this.options;
    if (this.candidates.length > 0 || index.waiting(1) > 0) return true;
    const listing = this.watch.mayHaveChanged();
    if (listing === undefined) return false;
    const found = await hasUnseen(this.listing());
    if (found) this.watch.found();
    else this.watch.listed(listing);
    return found;
  }

  private async takeIn(filesMax: number): Promise<void> {
    let left = filesMax;
    while (left > 0 && (await this.findCandidates())) left -= await this.takeInBatch(left);
  }

  private async findCandidates(): Promise<boolean> {
    if (this.candidates.length > 0) return true;
    const listing = this.watch.mayHaveChanged();
    if (listing === undefined) return false;
    const { verifier } = this.options;
    const found = await listUnseen(this.listing(), CANDIDATES_MAX, (file, stats) =>
      verifier.verify(file, stats).catch(unlessGone),
    );
    if (found.length > 0) this.watch.found();
    else this.watch.listed(listing);
    this.candidates = found.toReversed();
    return found.length > 0;
  }

  /** How many files were taken in: none if all the candidates are gone again. */
  private async takeInBatch(filesMax: number): Promise<number> {
    const { folder, index } = this.options;
    const scanned: ScannedFile[] = [];
    let bytes = 0;
    let candidate: Candidate | undefined;
    const countMax = Math.min(filesMax, BATCH_FILES_MAX);
    try {
      while (scanned.length < countMax && bytes < BATCH_BYTES_MAX && (candidate = this.candidates.at(-1))) {
        const file = await scanFile(folder, candidate.name);
        this.candidates.pop();
        if (file === undefined) continue;
        scanned.push(file);
        bytes += file.contentBytes;
      }
    } catch (error) {
      // What is wrong with one file is said now, and looked at again; those before it are in order and stay.
      this.candidates = [];
      if (scanned.length === 0) throw error;
    }
    if (scanned.length > 0) index.add(scanned);
    return scanned.length;
  }

  private listing() {
    const { folder, matches, index } = this.options;
    return { folder, matches, find: (name: string) => index.find(name) };
  }

  private inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.turn.then(act);
    this.turn = done.catch(() => {});
    return done;
  }
}

/** A file that went between its listing and a look into it may have been committed; if it was not, reading says so. */
function unlessGone(error: unknown): void {
  if (!(error instanceof TallystreamError) || error.code !== 'DATA_LOSS') throw error;
}
