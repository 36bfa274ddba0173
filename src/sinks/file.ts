/** Batches as files: NDJSON or Parquet, one per batch and output. */
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { ColumnTable } from '../columns/table.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { BatchIdentity, RunnerIdentity, Sink } from '../contracts/sink.ts';
import { jsonOf, type JsonOptions } from '../stream/frame/json.ts';
import {
  batchFile,
  claimFolder,
  folderName,
  removeFiles,
  settleFolder,
  writeWhole,
  type Chunks,
} from './file-folder.ts';
import { loadParquet, type ParquetCompression, type ParquetWriter } from './parquet.ts';
import { sinkFailure } from './sink-error.ts';

/** Lines go to the file in pieces of about this many characters. */
const PIECE_CHARACTERS = 256 * 1024;

const EXTENSIONS = ['ndjson', 'ndjson.gz', 'parquet'] as const;

export type FileSinkOptions = {
  /** A folder, made if it is not there; it is the query's alone. */
  readonly path: string;
} & (
  | {
      readonly format: 'ndjson';
      /** Compressed, as `.ndjson.gz`. */
      readonly gzip?: boolean;
      /** How decimals and longs are written; `exact` if left out. */
      readonly numbers?: NonNullable<JsonOptions['numbers']>;
    }
  | {
      /** Needs the package `hyparquet-writer`. Decimals, instants, dates and lists have Parquet's logical types. */
      readonly format: 'parquet';
      /** snappy if left out. */
      readonly compression?: ParquetCompression;
    }
);

/**
 * `<path>/<output>/batch-00000012.ndjson`. A file is there whole or not at all, and a batch that is written again replaces
 * its own with the same bytes, so a reader of the folder has every row once, as soon as it is written and a moment before
 * its commit. An output without rows has no file. Each file is what the output mode emits of its batch: only append gives
 * files that add up. The folder belongs to one query.
 *
 * `open` and `write` throw CONFIG_INVALID where the folder is another query's or the package is missing, and SINK_FAILED
 * and STORAGE_FULL as other sinks do.
 */
export function createFileSink(options: FileSinkOptions): Sink {
  return new FileSink(options);
}

class FileSink implements Sink {
  readonly name: string;
  private readonly options: FileSinkOptions;
  private claimedBy: string | undefined;
  private parquet: ParquetWriter | undefined;

  constructor(options: FileSinkOptions) {
    this.options = options;
    this.name = options.path;
  }

  /**
   * What it says to hold is never the batch that is to be replayed, of which some files may be missing; and a batch may
   * have none.
   */
  async open(runner: RunnerIdentity, committed: number | undefined): Promise<number | undefined> {
    try {
      await this.prepare(runner);
      const highest = await settleFolder(this.options.path);
      return highest !== undefined && highest > (committed ?? -1) + 1 ? highest : committed;
    } catch (error) {
      throw sinkFailure(error, this.name);
    }
  }

  async write(result: BatchResult, identity: BatchIdentity): Promise<void> {
    try {
      await this.prepare(identity);
      for (const { name, table } of result.outputs()) await this.writeOutput(name, table, identity);
    } catch (error) {
      throw sinkFailure(error, this.name);
    }
  }

  private async writeOutput(
    output: string,
    table: ColumnTable,
    { batchId, epoch }: BatchIdentity,
  ): Promise<void> {
    const folder = join(this.options.path, folderName(output));
    const extension = this.extension();
    const name = batchFile(batchId, extension);
    // The format may be another one than before a restart, and a repeat may have fewer rows, where the log lost some.
    const isStale = (other: string): boolean => other !== extension || table.count === 0;
    await removeFiles(
      folder,
      EXTENSIONS.filter(isStale).map((other) => batchFile(batchId, other)),
    );
    if (table.count > 0) await writeWhole(join(folder, name), this.chunksOf(table), this.transform(), epoch);
  }

  private async prepare({ queryId, epoch }: RunnerIdentity): Promise<void> {
    const { options } = this;
    if (options.format === 'parquet') this.parquet ??= await loadParquet(options.compression);
    if (this.claimedBy === queryId) return;
    await claimFolder(options.path, queryId, epoch);
    this.claimedBy = queryId;
  }

  private extension(): (typeof EXTENSIONS)[number] {
    const { options } = this;
    if (options.format === 'parquet') return 'parquet';
    return options.gzip === true ? 'ndjson.gz' : 'ndjson';
  }

  private chunksOf(table: ColumnTable): Chunks {
    const { options } = this;
    if (options.format === 'parquet') return [(this.parquet as ParquetWriter)(table)];
    return linesOf(table, { numbers: options.numbers ?? 'exact' });
  }

  private transform(): Duplex | undefined {
    return this.options.format === 'ndjson' && this.options.gzip === true ? createGzip() : undefined;
  }
}

function* linesOf({ batch, count }: ColumnTable, options: JsonOptions): Generator<string> {
  let piece = '';
  for (let row = 0; row < count; row += 1) {
    piece += `${jsonOf(batch, row, options)}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
