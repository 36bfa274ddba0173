/** The options of `readStream.format('file')` (and of its Spark name, `json`), by Structured Streaming's names. */
import { isNameGlob } from './glob.ts';
import { readOptions } from '../shared/source-options.ts';

export interface FileOptions {
  readonly folder: string;
  /** A name has to match all of them; see file-source-glob.ts for what a glob may be. */
  readonly nameGlobs: readonly string[];
  /** How many files one look takes in at most; undefined takes all. */
  readonly maxFilesPerTrigger: number | undefined;
}

const KNOWN = ['path', 'pathGlobFilter', 'maxFilesPerTrigger', 'latestFirst', 'recursiveFileLookup'];
const ALWAYS_REMEMBERED =
  'Every file that was seen is remembered for ever, so that it is read once, however old.';
const UNSUPPORTED = {
  maxFileAge: ALWAYS_REMEMBERED,
  fileNameOnly: 'All files lie in one folder, where a name is a file.',
  maxBytesPerTrigger:
    'Use maxFilesPerTrigger, or maxOffsetsPerTrigger of the query, which bounds the lines of a batch.',
  cleanSource: 'Files that are read may be moved away by another program; the source only reads.',
  sourceArchiveDir: 'Files that are read may be moved away by another program; the source only reads.',
  maxCachedFiles: 'Which files are still to be read is kept on disk.',
  discardCachedInputRatio: 'Which files are still to be read is kept on disk.',
};
const FILES_PER_TRIGGER_MAX = 1_000_000;

/**
 * `path` is a folder, or a folder and a glob for the names in it (`/data/in/*.ndjson`; `/data/in/` where a folder's own
 * name looks like one); `pathGlobFilter` is another glob for the names; `maxFilesPerTrigger` as in Spark.
 * @throws USAGE for an option that there is not or cannot be had here, a value that it cannot have, or no path
 */
export function parseFileOptions(options: Readonly<Record<string, string>>): FileOptions {
  const read = readOptions('file', options, KNOWN, UNSUPPORTED);
  if (read.truth('latestFirst') === true) {
    throw read.refuse(
      'latestFirst',
      'false: offsets and verdicts of lateness go by the order of files, oldest first; with the newest first, older events would be late',
    );
  }
  if (read.truth('recursiveFileLookup') === true) {
    throw read.refuse('recursiveFileLookup', 'false: only the files of the folder itself are read');
  }
  const path = read.text('path') ?? '';
  if (path === '') throw read.refuse('path', 'the folder whose files are to be read');
  const lastSlash = path.lastIndexOf('/');
  const lastPart = path.slice(lastSlash + 1);
  const hasGlob = isNameGlob(lastPart);
  const folder = hasGlob ? path.slice(0, Math.max(lastSlash, lastSlash === 0 ? 1 : 0)) || '.' : path;
  if (isNameGlob(folder) && !path.endsWith('/')) {
    throw read.refuse('path', 'a glob in its last part only: one folder is read');
  }
  const filter = read.text('pathGlobFilter');
  if (filter === '') throw read.refuse('pathGlobFilter', 'a glob such as *.ndjson');
  return {
    folder,
    nameGlobs: [...(hasGlob ? [lastPart] : []), ...(filter === undefined ? [] : [filter])],
    maxFilesPerTrigger: read.count('maxFilesPerTrigger', FILES_PER_TRIGGER_MAX),
  };
}
