/** The file source: which files in which order, which lines in which bytes, and what it says of files that change. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { RECORD_VALUE_BYTES_MAX } from '../../../src/contracts/log.ts';
import { listUnseen, FolderWatch } from '../../../src/log/file/listing.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';
import { plainRecords, readChunks, readPartition, readRecords } from '../../contract/log/log-records.ts';
import { hasCode } from '../../contract/log/log-under-test.ts';
import { lookAt, newSourceFiles, valuesOf } from './source-files.ts';

const never = () => new AbortController().signal;

describe('the order of files', () => {
  test('is by modification time and then by name, among those that a look finds', async (t) => {
    const { open, put } = newSourceFiles(t);
    put('c', 'newest', 300);
    put('b', 'middle b', 200);
    put('a', 'middle a', 200);
    put('z', 'oldest', 100);
    const log = await open();
    assert.deepEqual(await valuesOf(log), ['oldest', 'middle a', 'middle b', 'newest']);
  });

  test('stays as it was seen: a file that comes later is read later, however old it is', async (t) => {
    const { open, put } = newSourceFiles(t);
    put('b', 'first\nsecond', 200);
    const log = await open();
    assert.equal(await lookAt(log), 2);
    put('a', 'older', 100);
    assert.deepEqual(await valuesOf(log), ['first', 'second', 'older']);
    await log.close();
    assert.deepEqual(await valuesOf(await open()), ['first', 'second', 'older']);
  });

  test('leaves hidden files, those on their way, folders and other names out', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    for (const name of ['.hidden.nd', '_temporary.nd', '_SUCCESS', 'a.nd.tmp', 'A.nd.TMP', 'a._COPYING_'])
      fs.writeFileSync(join(folder, name), 'no');
    fs.mkdirSync(join(folder, 'folder.nd'));
    put('no.json', 'no');
    put('b.nd', 'by glob');
    put('a.tmp.nd', 'not on its way');
    fs.symlinkSync(join(folder, 'no.json'), join(folder, 'link.nd'));
    fs.symlinkSync(join(folder, 'folder.nd'), join(folder, 'folder-link.nd'));
    fs.symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.nd'));
    const log = await open({ nameGlobs: ['*.nd', '[^x]*'] });
    assert.deepEqual(new Set(await valuesOf(log)), new Set(['by glob', 'no', 'not on its way']));
  });

  test('of many files is that of the oldest so many, one listing after the other', async (t) => {
    const { folder, put } = newSourceFiles(t);
    for (let index = 0; index < 35; index += 1) put(`f${index}`, '', 1_000 - index);
    const listing = { folder, matches: () => true, find: () => undefined };
    const listed = await listUnseen(listing, 10, () => assert.fail('none is seen'));
    assert.deepEqual(
      listed.map(({ name }) => name),
      Array.from({ length: 10 }, (_, index) => `f${34 - index}`),
    );
  });
});

describe('lines', () => {
  test('are carried byte for byte, with a CR and without the LF; the last one needs none', async (t) => {
    const { open, put } = newSourceFiles(t);
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x41, 0x0d, 0x0a, 0xff, 0x00, 0x0a, 0x20, 0x42, 0x20);
    put('a', bytes);
    const log = await open();
    assert.deepEqual(await valuesOf(log), ['\u00EF\u00BB\u00BFA\r', '\u00FF\u0000', ' B ']);
  });

  test('that are blank are no records, and files without any have no offsets', async (t) => {
    const { open, put } = newSourceFiles(t);
    put('a', '');
    put('b', '\n\r\n \t\n');
    put('c', '\n\nfirst\n\n \r\nsecond\n\n');
    put('d', ' ');
    put('e', 'third');
    const log = await open();
    assert.deepEqual(await valuesOf(log), ['first', 'second', 'third']);
    assert.deepEqual(await valuesOf(log, 1, 2), ['second']);
  });

  test('have the modification time of their file as log timestamp', async (t) => {
    const { open, put } = newSourceFiles(t);
    put('a', 'x\ny', 1_700_000_000.75);
    const records = await readPartition(await open(), 'files', 0).catch(() => []);
    assert.deepEqual(
      records.map(({ timestampMs, key, headers }) => [timestampMs, key, headers]),
      [
        [1_700_000_000_750, null, []],
        [1_700_000_000_750, null, []],
      ],
    );
  });

  test('up to the log’s limit are taken, and a longer one refuses its file by name and line', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    const largest = 'x'.repeat(RECORD_VALUE_BYTES_MAX);
    put('a', `before\n${largest}\nafter\n${'y'.repeat(3_000_000)}`);
    put('b', `\n{}\n${largest}x\n`);
    const log = await open();
    const refused = hasCode('RECORD_TOO_LARGE', 'Line 3', join(folder, 'b'), '16777216');
    assert.equal((await log.finalOffsets?.('files').catch(() => 'refused')) ?? '', 'refused');
    await assert.rejects(log.offsets('files'), refused);
    fs.rmSync(join(folder, 'b'));
    assert.deepEqual(
      (await valuesOf(log)).map((value) => value?.length),
      [6, RECORD_VALUE_BYTES_MAX, 5, 3_000_000],
    );
  });

  test('of small files come in joint chunks, and chunks are bounded', async (t) => {
    const { open, put } = newSourceFiles(t);
    for (let index = 0; index < 300; index += 1) put(`${index}`, `${'a\n'.repeat(index % 7)}b`);
    put('x-large', `${'z'.repeat(999)}\n`.repeat(3_000));
    put('x-many', 'q\n'.repeat(20_000));
    const log = await open();
    const end = await lookAt(log);
    const chunks = await readChunks(log, { topic: 'files', partition: 0, start: 0, end });
    assert.equal(
      chunks.reduce((sum, { count }) => sum + count, 0),
      end,
    );
    for (const { count, bytes } of chunks) assert.ok(count <= 8_192 && bytes.length <= 1024 * 1024);
    assert.ok(chunks.length < 12, `${chunks.length} chunks`);
  });
});

/** Lines as the rules above say, by other means. */
function linesOf(content: string): string[] {
  return content.split('\n').filter((line) => !/^[ \t\r]*$/.test(line));
}

const piece = fc.oneof(
  fc.constantFrom('\n', '\r\n', ' ', '{"a":1}\n', 'x', '\t\n'),
  fc.string({ maxLength: 6, unit: 'grapheme-ascii' }),
  fc.constantFrom(2_000, 5_000).map((count) => '0123456789\n'.repeat(count)),
);
const file = fc.record({
  content: fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  packed: fc.boolean(),
});

test('any range gives the lines of its offsets, whenever files come and however often it is opened', async (t) => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ files: fc.array(file, { maxLength: 3 }), reopen: fc.boolean() }), { maxLength: 4 }),
    fc.array(fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 1000 })), { maxLength: 5 }),
    fc.constantFrom(undefined, 1, 2),
    async (rounds, ranges, maxFilesPerTrigger) => {
      const { open, put } = newSourceFiles(t);
      const expected: string[] = [];
      let log = await open({ maxFilesPerTrigger });
      let count = 0;
      for (const { files, reopen } of rounds) {
        for (const { content, packed } of files) {
          count += 1;
          put(`${count}${packed ? '.gz' : ''}`, packed ? gzipSync(content) : content);
          expected.push(...linesOf(content));
        }
        if (!reopen) await log.offsets('files');
        else {
          await log.close();
          log = await open({ maxFilesPerTrigger });
        }
      }
      assert.deepEqual(await log.finalOffsets?.('files'), [
        { partition: 0, earliest: 0, latest: expected.length },
      ]);
      for (let end = -1, next = await lookAt(log); next !== end; next = await lookAt(log)) end = next;
      assert.equal(await lookAt(log), expected.length);
      const at = (share: number) => Math.round((share / 1000) * expected.length);
      for (const [one, other] of [...ranges, [0, 1000] as const]) {
        const [start, end] = [Math.min(at(one), at(other)), Math.max(at(one), at(other))];
        assert.deepEqual(await valuesOf(log, start, end), expected.slice(start, end));
      }
      await log.close();
    },
  );
  await fc.assert(property, { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) });
});

describe('a look', () => {
  test('shows at most so many files, those without a line not counted as one', async (t) => {
    const { open, put } = newSourceFiles(t);
    for (const [index, content] of ['a\nb', '', '', '', 'c', 'd', 'e', 'f'].entries())
      put(`${index}`, content);
    const log = await open({ maxFilesPerTrigger: 2 });
    const looks = [];
    for (let look = 0; look < 6; look += 1) looks.push(await lookAt(log));
    assert.deepEqual(looks, [2, 4, 6, 6, 6, 6]);
  });

  test('can be told apart from the end of all that is there, and shows no more for it', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(name, name);
    const log = await open({ maxFilesPerTrigger: 2 });
    assert.deepEqual(await log.finalOffsets?.('files'), [{ partition: 0, earliest: 0, latest: 5 }]);
    put('f', 'f');
    assert.equal(await lookAt(log), 2);
    // Taken in and not shown, they are nothing new to a listing.
    fs.rmSync(join(folder, 'f'));
    const known = [{ partition: 0, earliest: 0, latest: 2 }];
    assert.equal(await log.waitForRecords('files', known, 60_000, never()), true);
    put('f', 'f');
    await log.close();
    // What was shown is kept, and what was taken in and not shown is.
    const again = await open({ maxFilesPerTrigger: 2 });
    assert.deepEqual([await lookAt(again), await lookAt(again), await lookAt(again)], [4, 6, 6]);
    assert.deepEqual(await valuesOf(again), ['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('is worth it as long as a file is left: waiting ends at once then', async (t) => {
    const { open, put } = newSourceFiles(t);
    for (const name of ['a', 'b', 'c']) put(name, name);
    const log = await open({ maxFilesPerTrigger: 1 });
    for (const latest of [1, 2]) {
      assert.equal(await lookAt(log), latest);
      const known = [{ partition: 0, earliest: 0, latest }];
      assert.equal(await log.waitForRecords('files', known, 60_000, never()), true);
    }
    assert.equal(await lookAt(log), 3);
    const known = [{ partition: 0, earliest: 0, latest: 3 }];
    assert.equal(await log.waitForRecords('files', known, 30, never()), false);
  });

  test('that finds a bad file takes the good ones before it, says what is bad, and goes on when it is fixed', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', 'a');
    put('b.gz', gzipSync('packed\n'.repeat(10_000)).subarray(0, 40));
    put('c', 'c');
    const log = await open();
    await assert.rejects(
      log.offsets('files'),
      hasCode('INPUT_UNREADABLE', join(folder, 'b.gz'), 'unexpected end'),
    );
    assert.deepEqual(await valuesOf(log, 0, 1), ['a']);
    put('b.gz', gzipSync('b'));
    assert.deepEqual(await valuesOf(log), ['a', 'c', 'b']);
  });

  test('refuses a file that is written where it lies, and takes it when it is complete', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('growing', `${'x'.repeat(999)}\n`.repeat(20_000));
    const log = await open();
    const looking = log.offsets('files');
    setImmediate(() => fs.appendFileSync(join(folder, 'growing'), 'more\n'));
    await assert.rejects(looking, hasCode('LOG_UNAVAILABLE', join(folder, 'growing'), 'Rename'));
    assert.equal(await lookAt(log), 20_001);
  });

  test('of a folder that is gone is LOG_UNAVAILABLE, and of one that is back goes on', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', 'a');
    const log = await open();
    assert.equal(await lookAt(log), 1);
    fs.renameSync(folder, `${folder}-away`);
    await assert.rejects(log.offsets('files'), hasCode('LOG_UNAVAILABLE', folder));
    fs.renameSync(`${folder}-away`, folder);
    put('b', 'b');
    assert.deepEqual(await valuesOf(log), ['a', 'b']);
  });
});

describe('a file that was seen', () => {
  const range = { topic: 'files', partition: 0, start: 0, end: 4 };

  test('and is gone before it was read is DATA_LOSS with its name and offsets, until it is back', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', 'a');
    put('b', 'b\nc\nd');
    const log = await open();
    await lookAt(log);
    fs.renameSync(join(folder, 'b'), join(folder, '.b'));
    await assert.rejects(
      readRecords(log, range),
      hasCode('DATA_LOSS', join(folder, 'b'), 'offsets 1 to 3', 'topic files', 'Put the file back'),
    );
    assert.deepEqual(await valuesOf(log, 0, 1), ['a']);
    // Nobody asks for what is committed, so a look does not mind.
    assert.equal(await lookAt(log), 4);
    fs.renameSync(join(folder, '.b'), join(folder, 'b'));
    assert.deepEqual(await valuesOf(log), ['a', 'b', 'c', 'd']);
  });

  test('and is gone can be passed over: what lies before it is read, and its offsets are told', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    for (const name of ['a', 'b', 'c', 'd']) put(name, `${name}1\n${name}2`);
    const log = await open();
    const all = { topic: 'files', partition: 0, start: 1, end: await lookAt(log) };
    assert.equal(await log.findLost?.(all), undefined);
    fs.renameSync(join(folder, 'b'), join(folder, '.b'));
    fs.renameSync(join(folder, 'd'), join(folder, '.d'));
    const values: (string | null)[] = [];
    await assert.rejects(
      async () => {
        for await (const chunk of log.read(all))
          values.push(...plainRecords(chunk).map(({ value }) => value));
      },
      hasCode('DATA_LOSS', join(folder, 'b')),
    );
    assert.deepEqual(values, ['a2']);
    const lost = { partition: 0, start: 2, end: 4, file: join(folder, 'b') };
    assert.deepEqual(await log.findLost?.(all), lost);
    assert.deepEqual(await log.findLost?.({ ...all, start: 3 }), { ...lost, start: 3 });
    assert.deepEqual(await log.findLost?.({ ...all, start: 5, end: 7 }), {
      partition: 0,
      start: 6,
      end: 7,
      file: join(folder, 'd'),
    });
    assert.equal(await log.findLost?.({ ...all, start: 4, end: 6 }), undefined);
  });

  test('is not lost where the whole folder is not there', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', 'a\nb\nc\nd');
    const log = await open();
    await lookAt(log);
    fs.renameSync(folder, `${folder}-away`);
    const said = hasCode('LOG_UNAVAILABLE', folder, 'cannot be listed');
    await assert.rejects(readRecords(log, range), said);
    await assert.rejects(async () => log.findLost?.(range), said);
    fs.renameSync(`${folder}-away`, folder);
    assert.deepEqual(await valuesOf(log), ['a', 'b', 'c', 'd']);
  });

  test('and has another content is LOG_CORRUPT, for the one who reads and for the next look', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', 'a\nb\nc\nd');
    const log = await open();
    await lookAt(log);
    for (const [content, how] of [
      ['a\nb\nc\nd\ne', 'it had 7 bytes and now has 9'],
      ['a\nb\nc\nD', 'its contents are different'],
    ] as const) {
      put('a', content);
      const said = hasCode('LOG_CORRUPT', join(folder, 'a'), 'offsets 0 to 3', how, 'Restore the file');
      await assert.rejects(readRecords(log, range), said);
      await assert.rejects(log.offsets('files'), said);
    }
  });

  test('and was only touched, or copied back, is what it was', async (t) => {
    const { open, put } = newSourceFiles(t);
    const packed = gzipSync('b\nc\nd');
    put('a', 'a', 100);
    put('b.gz', packed, 101);
    const log = await open();
    const before = await readPartition(log, 'files', 0);
    put('a', 'a', 500);
    put('b.gz', packed, 501);
    assert.equal(await lookAt(log), 4);
    assert.deepEqual(await readPartition(log, 'files', 0), before);
    await log.close();
    assert.deepEqual(await readPartition(await open(), 'files', 0), before);
  });

  test('is opened from the noted line on, not from its start', async (t) => {
    const { folder, open, put } = newSourceFiles(t);
    put('a', Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`).join(''));
    const log = await open();
    const end = await lookAt(log);
    const opened = fs.openSync(join(folder, 'a'), 'r+');
    const { atimeMs, mtimeMs } = fs.fstatSync(opened);
    // Behind the source's back: were the first lines cut again, this LF would be a line more.
    fs.writeSync(opened, '\n', 2);
    fs.futimesSync(opened, atimeMs / 1000, mtimeMs / 1000);
    fs.closeSync(opened);
    assert.deepEqual(await valuesOf(log, 9_000, 9_001), ['line 9000']);
    assert.deepEqual(await valuesOf(log, end - 1, end), ['line 9999']);
  });
});

describe('the index', () => {
  test('is of one folder, and not of another, nor in the folder itself', async (t) => {
    const { root, folder, open, put } = newSourceFiles(t);
    put('a', 'a');
    await (await open()).close();
    fs.mkdirSync(join(root, 'other'));
    const moved = open({ folder: join(root, 'other') });
    await assert.rejects(moved, hasCode('CONFIG_INVALID', folder, join(root, 'other'), 'new checkpoint'));
    await assert.rejects(open({ indexFolder: folder }), hasCode('CONFIG_INVALID', folder));
    await assert.rejects(open({ folder: join(root, 'none') }), hasCode('CONFIG_INVALID', 'none'));
    await assert.rejects(open({ maxFilesPerTrigger: 0 }), hasCode('CONFIG_INVALID', 'maxFilesPerTrigger'));
    await assert.rejects(open({ nameGlobs: ['[a'] }), hasCode('CONFIG_INVALID', '[a'));
  });

  test('gives the topic its id; one that is made anew gives another', async (t) => {
    const { indexFolder, open } = newSourceFiles(t);
    const id = async () => {
      const log = await open();
      const topic = await log.describeTopic('files');
      await log.close();
      return topic?.id;
    };
    const first = await id();
    assert.match(first ?? '', /^file:[0-9a-f-]{36}$/);
    assert.equal(await id(), first);
    fs.rmSync(indexFolder, { recursive: true });
    assert.notEqual(await id(), first);
  });

  test('that is deleted while it is open is noticed at the next look', async (t) => {
    const { indexFolder, open } = newSourceFiles(t);
    const log = await open();
    await lookAt(log);
    fs.rmSync(indexFolder, { recursive: true });
    await assert.rejects(log.offsets('files'), hasCode('LOG_UNAVAILABLE', join(indexFolder, 'files.db')));
  });

  test('of something else, of a newer version, or damaged, is refused in words', async (t) => {
    const { indexFolder, open, put } = newSourceFiles(t);
    const path = join(indexFolder, 'files.db');
    fs.mkdirSync(indexFolder);
    const change = (sql: string) => {
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
    };
    change('CREATE TABLE somebodys (a)');
    await assert.rejects(open(), hasCode('LOG_UNAVAILABLE', path, 'another program'));
    fs.rmSync(path);
    put('a', 'a\n'.repeat(5_000));
    const log = await open();
    await lookAt(log);
    await log.close();
    change('PRAGMA user_version = 2');
    await assert.rejects(open(), hasCode('LOG_UNAVAILABLE', path, 'newer version'));
    change('PRAGMA user_version = 1');
    const size = fs.statSync(path).size;
    const opened = fs.openSync(path, 'r+');
    fs.writeSync(opened, Buffer.alloc(size - 4096, 0xab), 0, size - 4096, 4096);
    fs.closeSync(opened);
    await assert.rejects(
      open().then((damaged) => damaged.offsets('files')),
      hasCode('LOG_CORRUPT', path, 'new checkpoint'),
    );
  });
});

describe('whether a folder has to be listed', () => {
  test('is told by its modification time, once that has settled, and now and then without it', async (t) => {
    const { folder } = newSourceFiles(t);
    const folderS = 1_700_000_000;
    fs.utimesSync(folder, folderS, folderS);
    const clock = createManualClock(folderS * 1000 + 1_000);
    const watch = new FolderWatch(folder, clock);
    const listings = (checks: number) => {
      let count = 0;
      for (let check = 0; check < checks; check += 1) {
        const listing = watch.mayHaveChanged();
        if (listing === undefined) continue;
        count += 1;
        watch.listed(listing);
      }
      return count;
    };
    // Its time is younger than two seconds, and could still stand for a change to come.
    assert.equal(listings(10), 10);
    clock.advance(2_000);
    assert.equal(listings(10), 0);
    fs.utimesSync(folder, folderS, folderS + 0.5);
    assert.equal(listings(10), 5);
    clock.advance(30_000);
    assert.equal(listings(10), 1);
    watch.found();
    assert.equal(listings(10), 5);
  });
});
