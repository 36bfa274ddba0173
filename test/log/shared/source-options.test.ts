import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isNameGlob, nameGlob } from '../../../src/log/file/glob.ts';
import { parseFileOptions } from '../../../src/log/file/options.ts';
import { readRateOptions } from '../../../src/options/source-options.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';

describe('options of the rate source', () => {
  test('have Spark’s defaults, but for the partitions', () => {
    assert.deepEqual(readRateOptions({}), { rowsPerSecond: 1, rampUpTime: 0, numPartitions: 1 });
  });

  test('are Spark’s, in any case and with Spark’s units', () => {
    assert.deepEqual(readRateOptions({ rowsPerSecond: '100', RAMPUPTIME: '5s', numpartitions: '4' }), {
      rowsPerSecond: 100,
      rampUpTime: 5_000,
      numPartitions: 4,
    });
    for (const [text, ms] of [
      ['5', 5_000],
      ['2m', 120_000],
      ['2min', 120_000],
      ['1h', 3_600_000],
      ['1d', 86_400_000],
      ['3 seconds', 3_000],
      ['1 minute', 60_000],
      ['1999ms', 1_000],
      ['2500000us', 2_000],
    ] as const) {
      assert.equal(readRateOptions({ rampUpTime: text }).rampUpTime, ms, text);
    }
  });

  test('that there are not, or that cannot be so, are refused with what can be', () => {
    assert.throws(
      () => readRateOptions({ rowPerSecond: '1' }),
      hasCode('USAGE', 'rowPerSecond', 'rowsPerSecond'),
    );
    assert.throws(
      () => readRateOptions({ useManualClock: 'true' }),
      hasCode('USAGE', 'useManualClock', 'clock'),
    );
    assert.throws(
      () => readRateOptions({ rowsPerSecond: '1', rowspersecond: '2' }),
      hasCode('USAGE', 'given twice'),
    );
    for (const [option, value] of [
      ['rowsPerSecond', '0'],
      ['rowsPerSecond', '1.5'],
      ['rowsPerSecond', '10000001'],
      ['numPartitions', 'two'],
      ['rampUpTime', '5 parsecs'],
      ['rampUpTime', '366d'],
      ['rampUpTime', 'constructor'],
      ['rampUpTime', '-1s'],
    ] as const) {
      assert.throws(() => readRateOptions({ [option]: value }), hasCode('USAGE', option, value));
    }
  });
});

describe('options of the file source', () => {
  test('name a folder, and which of its files', () => {
    assert.deepEqual(parseFileOptions({ path: '/data/in' }), {
      folder: '/data/in',
      nameGlobs: [],
      maxFilesPerTrigger: undefined,
    });
    assert.deepEqual(
      parseFileOptions({ path: '/data/in/*.ndjson', pathGlobFilter: '[a-m]*', maxFilesPerTrigger: '10' }),
      { folder: '/data/in', nameGlobs: ['*.ndjson', '[a-m]*'], maxFilesPerTrigger: 10 },
    );
    assert.equal(parseFileOptions({ path: '*.ndjson' }).folder, '.');
    assert.equal(parseFileOptions({ path: '/*.ndjson' }).folder, '/');
    assert.deepEqual(parseFileOptions({ path: 'in/[2025]/' }).nameGlobs, []);
    assert.equal(
      parseFileOptions({ path: 'in', latestFirst: 'false', recursiveFileLookup: 'FALSE' }).folder,
      'in',
    );
  });

  test('that there are not, or that Spark has and this has not, are refused with the reason', () => {
    for (const [options, ...words] of [
      [{}, 'path'],
      [{ path: '' }, 'path'],
      [{ path: 'in', pathGlobFiler: '*' }, 'pathGlobFiler', 'pathGlobFilter'],
      [{ path: 'in', pathGlobFilter: '' }, 'pathGlobFilter'],
      [{ path: 'in', latestFirst: 'true' }, 'latestFirst', 'lateness'],
      [{ path: 'in', latestFirst: 'yes' }, 'latestFirst', 'true or false'],
      [{ path: 'in', recursiveFileLookup: 'true' }, 'recursiveFileLookup'],
      [{ path: 'in', maxFileAge: '7d' }, 'maxFileAge', 'remembered permanently'],
      [{ path: 'in', CleanSource: 'delete' }, 'cleanSource', 'only reads'],
      [{ path: 'in', maxFilesPerTrigger: '0' }, 'maxFilesPerTrigger'],
      [{ path: 'i*/in/*.x' }, 'last part'],
      [{ path: 'i*/in' }, 'last part'],
    ] as const) {
      assert.throws(() => parseFileOptions(options), hasCode('USAGE', ...words), JSON.stringify(options));
    }
  });
});

describe('a glob for names', () => {
  test('matches as Hadoop’s do', () => {
    for (const [glob, yes, no] of [
      ['*.ndjson', ['a.ndjson', '.ndjson'], ['a.ndjson.gz', 'andjson', 'a.jsonl']],
      ['*.{ndjson,json{l,x}}', ['a.ndjson', 'b.jsonl', 'c.jsonx'], ['a.json', 'a.{ndjson,jsonl}']],
      ['events-[0-9]?.jsonl', ['events-1x.jsonl', 'events-1😀.jsonl'], ['events-1.jsonl', 'events-xx.jsonl']],
      ['[^a-c]*', ['d', 'dabc'], ['a', 'bd', '']],
      ['[!a]', ['b'], ['a']],
      ['[]a]', [']', 'a'], ['b']],
      ['[&~^|]', ['&', '~', '^', '|'], ['a']],
      [String.raw`a\*\[b`, ['a*[b'], ['ab[b']],
      ['a+(b)|c.$', ['a+(b)|c.$'], ['aab']],
      ['a,b}', ['a,b}'], ['a']],
      ['', [''], ['a']],
    ] as const) {
      const matches = nameGlob(glob);
      for (const name of yes) assert.ok(matches(name), `${glob} is to match ${name}`);
      for (const name of no) assert.ok(!matches(name), `${glob} is not to match ${name}`);
    }
    const verdicts = ['a*', 'a?', 'a[b]', 'a{b}', String.raw`a\b`, 'a.b'].map(isNameGlob);
    assert.deepEqual(verdicts, [true, true, true, true, true, false]);
  });

  test('that is none is refused', () => {
    for (const glob of ['a/b', '[a', '{a', 'a\\', '[z-a]', 'x'.repeat(1001)])
      assert.throws(() => nameGlob(glob), hasCode('CONFIG_INVALID', 'glob'), glob);
  });

  test('of many stars takes no longer than one', () => {
    assert.ok(!nameGlob(`${'*'.repeat(900)}b`)('a'.repeat(255)));
  });
});
