import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createFileSink, type FileSinkOptions } from '../../../src/sinks/file.ts';
import { readParquet, withoutParquet } from '../../sinks/read-parquet.ts';
import { sinkContract, type DeliveredRow, type SinkUnderTest } from './sink-suite.ts';

type Read = (bytes: Buffer) => Promise<readonly DeliveredRow[]>;

const lines: Read = async (bytes) =>
  bytes
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as DeliveredRow);

fileContract('NDJSON file', { format: 'ndjson' }, lines);
fileContract('gzipped NDJSON file', { format: 'ndjson', gzip: true }, (bytes) => lines(gunzipSync(bytes)));
fileContract(
  'Parquet file',
  { format: 'parquet' },
  async (bytes) => (await readParquet(bytes)).rows as readonly object[] as readonly DeliveredRow[],
  withoutParquet,
);

type Format = FileSinkOptions extends infer Options
  ? Options extends FileSinkOptions
    ? Omit<Options, 'path'>
    : never
  : never;

function fileContract(name: string, format: Format, read: Read, skip: string | false = false): void {
  const open = async (): Promise<SinkUnderTest> => {
    const path = mkdtempSync(join(tmpdir(), 'tallystream-sink-'));
    const subject = (): SinkUnderTest => ({
      sink: createFileSink({ path, ...format }),
      delivered: async () => {
        const names = readdirSync(join(path, 'events')).filter((file) => !file.startsWith('.'));
        const files = names.map((file) => readFileSync(join(path, 'events', file)));
        return (await Promise.all(files.map(read))).flat();
      },
      reopen: async () => ({ ...subject(), close: async () => undefined }),
      isOneQuerys: true,
      close: async () => rmSync(path, { recursive: true, force: true }),
    });
    return subject();
  };
  sinkContract(name, open, { skip });
}
