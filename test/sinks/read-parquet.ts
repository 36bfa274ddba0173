/** Parquet files as a reader sees them. Reads with the package that the writer depends on, where both are installed. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { isMissing } from './missing-package.ts';

/** Why tests of Parquet are left out; false where its packages are there. */
export const withoutParquet: string | false =
  isMissing('hyparquet-writer') || isMissing('hyparquet')
    ? 'the package hyparquet-writer is not installed'
    : false;

interface Element {
  readonly name: string;
  readonly type?: string;
  readonly repetition_type?: string;
  readonly converted_type?: string;
  readonly logical_type?: Readonly<Record<string, unknown>>;
  readonly precision?: number;
  readonly scale?: number;
}

export interface ReadParquet {
  readonly schema: readonly Element[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** `decimals: 'raw'` reads them as the whole numbers that they are stored as, since the reader makes floats of them. */
export async function readParquet(bytes: Uint8Array, decimals?: 'raw'): Promise<ReadParquet> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const file = Uint8Array.from(bytes).buffer;
  const metadata = parquetMetadata(file);
  const { schema } = metadata;
  const raw = schema.map(({ converted_type, logical_type, ...rest }) =>
    converted_type === 'DECIMAL'
      ? rest
      : { ...rest, ...(converted_type && { converted_type }), ...(logical_type && { logical_type }) },
  );
  const rows = await parquetReadObjects({
    file,
    metadata: decimals === 'raw' ? { ...metadata, schema: raw } : metadata,
    utf8: false,
    compressors: {
      GZIP: (bytes) => new Uint8Array(gunzipSync(bytes)),
      ZSTD: (bytes) => new Uint8Array(zstdDecompressSync(bytes)),
    },
  });
  return { schema, rows };
}
