/** Reading a range of the file source: the lines of its files, one file after the other. */
import { join } from 'node:path';
import type {
  Header,
  HistoryBreak,
  HistoryMark,
  LostRecords,
  PartitionMark,
  ReadRange,
  RecordChunk,
} from '../../contracts/log.ts';
import { InvariantError, TallystreamError } from '../../errors.ts';
import { joinChunks } from '../shared/chunk.ts';
import { changed } from './errors.ts';
import type { FileIndex, IndexedFile } from './index-db.ts';
import { cutLines, type LineBlock } from './lines.ts';
import type { FileVerifier } from './scan.ts';
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX } from '../shared/record-batch.ts';

/** The end of a file is joined with what follows up to this size, so that a thousand small files are not as many chunks. */
const JOIN_BYTES_MAX = 128 * 1024;
const NO_HEADERS: ReadonlyMap<number, readonly Header[]> = new Map();

export interface ReadSource {
  readonly folder: string;
  readonly index: FileIndex;
  readonly verifier: FileVerifier;
}

/**
 * The lines at the range's offsets, which have to be below the index's end, in chunks of at most 8,192 lines and (but for
 * longer lines) 1 MiB. The log timestamp of a line is the time at which its file was last modified.
 * @throws DATA_LOSS for a file that is gone, LOG_CORRUPT for one that was changed, LOG_UNAVAILABLE
 */
export async function* readLines(source: ReadSource, range: ReadRange): AsyncGenerator<RecordChunk> {
  let small: RecordChunk[] = [];
  let smallBytes = 0;
  let smallRows = 0;
  for (let position = range.start; position < range.end;) {
    const file = fileAt(source, position);
    const end = Math.min(range.end, file.firstOffset + file.lines);
    try {
      for await (const chunk of fileChunks(source, range.topic, file, position, end)) {
        const isLast = (chunk.offsets[chunk.count - 1] as number) === end - 1;
        const isSmall = isLast && chunk.bytes.length < JOIN_BYTES_MAX;
        const wouldOverflow =
          smallBytes + chunk.bytes.length > BATCH_BYTES_MAX || smallRows + chunk.count > BATCH_RECORDS_MAX;
        if (small.length > 0 && (!isSmall || wouldOverflow)) {
          yield joinChunks(small);
          small = [];
          smallBytes = 0;
          smallRows = 0;
        }
        if (isSmall) {
          // The file's buffer is not used again after its last block, so that the chunk may wait for others.
          small.push(chunk);
          smallBytes += chunk.bytes.length;
          smallRows += chunk.count;
        } else yield chunk;
      }
    } catch (error) {
      // A query that may continue without a lost file needs the lines before it.
      if (small.length > 0) yield joinChunks(small);
      throw error;
    }
    position = end;
  }
  if (small.length > 0) yield joinChunks(small);
}

/** The first lines of the range whose file is gone; undefined if all files are there. @throws LOG_UNAVAILABLE */
export function findLost(source: ReadSource, range: ReadRange): LostRecords | undefined {
  for (let position = range.start; position < range.end;) {
    const file = fileAt(source, position);
    const end = Math.min(range.end, file.firstOffset + file.lines);
    if (source.verifier.isGone(file)) {
      return { partition: range.partition, start: position, end, file: join(source.folder, file.name) };
    }
    position = end;
  }
  return undefined;
}

function fileAt({ index }: ReadSource, offset: number): IndexedFile {
  const file = index.fileAt(offset);
  if (file !== undefined && offset < file.firstOffset + file.lines) return file;
  throw new InvariantError(`no file has offset ${offset} of ${index.path}`);
}

/** The lines `[start, end)`, all of one file. */
async function* fileChunks(
  { folder, index, verifier }: ReadSource,
  topic: string,
  file: IndexedFile,
  start: number,
  end: number,
): AsyncGenerator<RecordChunk> {
  const from = index.positionBefore(file.fileKey, start - file.firstOffset);
  const columns = columnsOf(Math.min(BATCH_RECORDS_MAX, end - start), file.mtimeMs);
  const mark = markOf(file);
  const bytes = await verifier.open(file, from.byte);
  let next = file.firstOffset + from.line;
  try {
    for await (const block of cutLines(bytes, from.byte, file.contentBytes - from.byte)) {
      const rowFrom = Math.max(0, start - next);
      const rowTo = Math.min(block.count, end - next);
      if (rowFrom < rowTo) yield chunkOf({ block, mark, columns }, rowFrom, rowTo, next);
      next += block.count;
      if (next >= end) return;
    }
  } catch (error) {
    if (error instanceof TallystreamError) throw error;
    const how = `reading it failed with: ${error instanceof Error ? error.message : String(error)}`;
    throw changed(`${folder}/${file.name}`, topic, file, how, error);
  } finally {
    bytes.close();
  }
  throw changed(`${folder}/${file.name}`, topic, file, `it ends after ${next - file.firstOffset} lines`);
}

interface Columns {
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array;
  readonly noKey: Int32Array;
}

/** Made once a file and used again for every chunk of it: left to the garbage collector, a drain keeps many megabytes. */
function columnsOf(countMax: number, mtimeMs: number): Columns {
  return {
    offsets: new Float64Array(countMax),
    timestampsMs: new Float64Array(countMax).fill(Math.floor(mtimeMs)),
    noKey: new Int32Array(countMax).fill(-1),
  };
}

interface MarkedBlock {
  readonly block: LineBlock;
  /** Of the file that it is of. */
  readonly mark: HistoryMark;
  readonly columns: Columns;
}

/** A file is what a batch is elsewhere. */
function markOf({ firstOffset, lines, checksum }: IndexedFile): HistoryMark {
  return {
    baseOffset: firstOffset,
    nextOffset: firstOffset + lines,
    checksum: checksum >>> 0,
    leaderEpoch: null,
    chain: null,
  };
}

/** The marks that name another file than the index has at their place, as after an older copy of it was put back. */
export function breaksOf(index: FileIndex, marks: readonly PartitionMark[]): HistoryBreak[] {
  const latest = index.end();
  return marks.flatMap(({ partition, mark }) => {
    const { baseOffset, nextOffset: end } = mark;
    if (latest < end) return [{ partition, start: latest, end, why: `The files end at offset ${latest}.` }];
    const file = index.fileAt(baseOffset);
    const now = file && markOf(file);
    if (now?.baseOffset === baseOffset && now.nextOffset === end && now.checksum === mark.checksum) return [];
    const why = `Offsets ${baseOffset} to ${end - 1} now belong to ${file === undefined ? 'no file' : `the file ${file.name}`}.`;
    return [{ partition, start: baseOffset, end, why }];
  });
}

/** Rows of a block whose row 0 has the offset `first`, as views of it. */
function chunkOf(
  { block, mark, columns }: MarkedBlock,
  from: number,
  to: number,
  first: number,
): RecordChunk {
  const count = to - from;
  const { offsets, timestampsMs, noKey } = columns;
  for (let row = 0; row < count; row += 1) offsets[row] = first + from + row;
  return {
    partition: 0,
    mark,
    count,
    bytes: block.bytes.subarray(0, block.ends[to - 1]),
    valueStart: block.starts.subarray(from, to),
    valueEnd: block.ends.subarray(from, to),
    keyStart: noKey.subarray(0, count),
    keyEnd: noKey.subarray(0, count),
    offsets: offsets.subarray(0, count),
    timestampsMs: timestampsMs.subarray(0, count),
    headers: NO_HEADERS,
  };
}
