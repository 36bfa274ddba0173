import assert from 'node:assert/strict';
import { test } from 'node:test';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { createSession } from '../../src/compose/session.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import type { OptionTable } from '../../src/options/option.ts';
import { SINKS } from '../../src/options/sink-options.ts';
import { SOURCES } from '../../src/options/source-options.ts';
import { QUERY_OPTIONS } from '../../src/options/query-options.ts';
import { readSettings } from '../../src/stream/settings.ts';

const session = createSession({ logger: silentLogger });
const EVENT = schema([required('id', types.string(), 'which')]);
const writer = session.readStream.format('rate').load(EVENT).writeStream;

test('an option that there is not is refused by the call, with those that there are', () => {
  for (const [call, says] of [
    [
      // @ts-expect-error no option
      () => session.readStream.format('rate').option('rowPerSecond', 1),
      /Did you mean rowsPerSecond\?.*numPartitions/,
    ],
    // @ts-expect-error no option
    [() => session.readStream.format('file').options({ pth: 'in' }), /Did you mean path\?.*pathGlobFilter/],
    // @ts-expect-error no option
    [() => session.readStream.option('pth', 'in').format('file'), /Did you mean path\?/],
    [
      // @ts-expect-error no format
      () => session.readStream.format('socket'),
      /no source format "socket".*kafka, embedded, memory, rate, file/,
    ],
    [() => session.readStream.format('kafka').option('kafka.ackz', 'all'), /Did you mean kafka\.acks\?/],
    // @ts-expect-error no option
    [() => writer.option('checkpointlocation2', 'x'), /Did you mean checkpointLocation\?.*timeZone/],
    // @ts-expect-error no option
    [() => writer.format('console', { numRow: 5 }), /Did you mean numRows\?.*truncate/],
    // @ts-expect-error no option
    [() => writer.format('memory', { path: 'x' }), /sink memory has no option path\. It takes none/],
  ] as const) {
    assert.throws(call, { message: says }, String(says));
  }
});

test('a value that an option cannot have is refused by the call, with what it takes', () => {
  for (const [call, says] of [
    // @ts-expect-error no boolean
    [() => writer.option('takeOver', 'yes'), /cannot be "yes"\. Use true or false/],
    // @ts-expect-error no duration
    [() => writer.option('idleTimeout', 5), /cannot be "5"\. Use a duration .* needs its unit/],
    // @ts-expect-error no path
    [() => writer.format('table', { path: undefined }), /needs the option path/],
    // @ts-expect-error no number
    [() => session.readStream.format('rate').option('rowsPerSecond', true), /cannot be "true"/],
  ] as const) {
    assert.throws(call, { code: 'USAGE', message: says }, String(says));
  }
});

test('every duration and size of the writer is read as in the configuration', () => {
  const read = readSettings({
    idleTimeout: '1 hour 30 minutes',
    clockSkewMax: '1.5s',
    stateBytesMax: '64 MiB',
    valueBytesMax: '1048576',
    takeOver: 'TRUE',
  });
  assert.deepEqual(
    [read.idleTimeoutMs, read.clockSkewMaxMs, read.stateBytesMax, read.valueBytesMax, read.takeOver],
    [5_400_000, 1500, 64 * 2 ** 20, 2 ** 20, true],
  );
});

test('every default is a value of its option', () => {
  const tables: readonly OptionTable[] = [
    QUERY_OPTIONS,
    ...Object.values({ ...SOURCES, ...SINKS }).map(({ options }) => options),
  ];
  for (const table of tables) {
    for (const [name, { type, default: fallback }] of Object.entries(table)) {
      if (fallback !== undefined) assert.equal(type.parse(fallback).kind, 'value', name);
    }
  }
});
