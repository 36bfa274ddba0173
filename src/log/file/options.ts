/** The options of `readStream.format('file')` (and of its Spark name, `json`), by Structured Streaming's names. */
import { isNameGlob } from './glob.ts';
import { readFileOptions, refusePath } from '../../options/source-options.ts';

export interface FileOptions {
  readonly folder: string;
  /** A name has to match all of them; see glob.ts for what a glob may be. */
  readonly nameGlobs: readonly string[];
  /** How many files one look takes in at most; undefined takes all. */
  readonly maxFilesPerTrigger: number | undefined;
}

/**
 * `path` is a folder, or a folder and a glob for the names in it (`/data/in/*.ndjson`; `/data/in/` where a folder's own
 * name looks like one); `pathGlobFilter` is another glob for the names; `maxFilesPerTrigger` as in Spark.
 * @throws USAGE for an option that there is not or cannot be had here, a value that it cannot have, or no path
 */
export function parseFileOptions(options: Readonly<Record<string, string>>): FileOptions {
  const { path, pathGlobFilter: filter, maxFilesPerTrigger } = readFileOptions(options);
  if (path === undefined) throw refusePath('', 'the folder whose files are to be read');
  const lastSlash = path.lastIndexOf('/');
  const lastPart = path.slice(lastSlash + 1);
  const hasGlob = isNameGlob(lastPart);
  const folder = hasGlob ? path.slice(0, Math.max(lastSlash, lastSlash === 0 ? 1 : 0)) || '.' : path;
  if (isNameGlob(folder) && !path.endsWith('/')) {
    throw refusePath(path, 'a glob in its last part only: one folder is read');
  }
  return {
    folder,
    nameGlobs: [...(hasGlob ? [lastPart] : []), ...(filter === undefined ? [] : [filter])],
    maxFilesPerTrigger,
  };
}
