import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Log } from '../../../src/contracts/log.ts';
import { dying, lineText, NamedPlace, pipe, upTo, withAppend } from './named.ts';

let place: NamedPlace;
beforeEach(() => (place = new NamedPlace()));
afterEach(() => place.remove());

describe('a named delivery whose log has gone back', () => {
  test('is refused with the lines that are gone, at every start, and delivers nothing', async () => {
    const path = place.write('a', 1, 100);
    await place.deliver(path, { recordsMax: 40 });
    place.backUp();
    await place.deliver(path);
    place.restore();
    for (let start = 0; start < 2; start += 1) {
      await assert.rejects(place.deliver(path), {
        code: 'DATA_LOSS',
        message:
          /^60 lines that 'nightly' delivered to topic 'purchases' are no longer in the log: lines 41 to 100\. .*--resend-lost/,
      });
    }
    assert.deepEqual(await place.linesInLog(), upTo(40));
  });

  test('is refused, too, after others have written past its old end', async () => {
    const path = place.write('a', 1, 100);
    await place.deliver(path, { recordsMax: 40 });
    place.backUp();
    await place.deliver(path);
    place.restore();
    await place.deliver(place.write('b', 501, 1_500), { name: 'other' });
    await assert.rejects(place.deliver(path), {
      code: 'DATA_LOSS',
      message: /lines 41 to 100\. .* holds another record than the one that was acknowledged/,
    });
  });

  test('sends exactly the lost lines again if it is told to, whatever others wrote', async () => {
    const path = place.write('a', 1, 100);
    await place.deliver(path, { recordsMax: 40 });
    place.backUp();
    await place.deliver(path, { recordsMax: 50 });
    place.restore();
    await place.deliver(place.write('b', 501, 1_500), { name: 'other' });
    const { acknowledged, resumed } = await place.deliver(path, { resendLost: true });
    assert.deepEqual([acknowledged, resumed?.from.lines, resumed?.sentAgain], [60, 40, 50]);
    assert.deepEqual(await place.linesInLog(), upTo(100));
    assert.equal((await place.deliver(path)).resumed?.finished, true);
  });

  test('does the same for a stream', async () => {
    const text = upTo(100).map((line) => `${lineText(line)}\n`);
    await place.deliver(pipe(text.slice(0, 40).join('')));
    place.backUp();
    await place.deliver(pipe(...text));
    place.restore();
    await assert.rejects(place.deliver(pipe(...text)), { code: 'DATA_LOSS', message: /lines 41 to 100/ });
    await place.deliver(pipe(...text), { resendLost: true });
    assert.deepEqual(await place.linesInLog(), upTo(100));
    assert.equal((await place.deliver(pipe(...text))).acknowledged, 0);
  });

  test('notices the loss of lines that it had found in the log and not sent again', async () => {
    const path = place.write('a', 1, 20);
    await place.deliver(path, { recordsMax: 10 });
    place.backUp();
    await assert.rejects(place.deliver(path, { wrap: (log) => dying(log, 1) }), /killed/);
    assert.equal((await place.deliver(path)).resumed?.foundInLog, 10);
    place.restore();
    await assert.rejects(place.deliver(path), { code: 'DATA_LOSS', message: /lines 11 to 20/ });
  });

  test('goes on if none of its own lines is gone', async () => {
    await place.deliver(place.write('b', 501, 520), { name: 'other' });
    place.backUp();
    await place.deliver(place.write('c', 601, 700), { name: 'third' });
    const path = place.write('a', 1, 30);
    const refusing = (log: Log): Log => withAppend(log, () => Promise.reject(new Error('killed')));
    // Its position says where the log ended when it began, and no more.
    await assert.rejects(place.deliver(path, { wrap: refusing }), /killed/);
    place.restore();
    assert.equal((await place.deliver(path, { recordsMax: 10 })).acknowledged, 10);
    assert.equal((await place.deliver(path)).resumed?.from.lines, 10);
    assert.deepEqual(await place.linesInLog(), upTo(30));
  });

  test('ends if the log gives an offset again while it runs', async () => {
    const path = place.write('a', 1, 30);
    // What a broker does that lost its end: it gives the offsets of acknowledged records to others.
    const goingBack = (inner: Log): Log => {
      let call = 0;
      return withAppend(inner, async (topic, records) => {
        const ranges = await inner.append(topic, records);
        call += 1;
        return call < 3 ? ranges : ranges.map((range) => ({ ...range, baseOffset: 0 }));
      });
    };
    const limits = { batchRecordsMax: 10 };
    await assert.rejects(place.deliver(path, { wrap: goingBack, limits }), {
      code: 'DATA_LOSS',
      message: /assigned offset 0 after \d+ had been acknowledged/,
    });
  });

  test('has every line in the log exactly once in the end, whatever was restored and whatever died when', async () => {
    const step = fc.record({
      what: fc.constantFrom('run', 'die', 'back up', 'restore', 'others'),
      count: fc.integer({ min: 1, max: 40 }),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (script) => {
      const own = new NamedPlace();
      try {
        const path = own.write('a', 1, 120);
        const limits = { batchRecordsMax: 7 };
        await own.deliver(path, { recordsMax: 5, limits });
        own.backUp();
        let others = 0;
        for (const { what, count } of script) {
          if (what === 'back up') own.backUp();
          else if (what === 'restore') own.restore();
          else if (what === 'others') {
            others += 1;
            await own.deliver(own.write(`o${others}`, 1, count), { name: `other-${others}` });
          } else {
            const wrap = (log: Log): Log => (what === 'die' ? dying(log, 1 + (count % 5)) : log);
            const how = { recordsMax: count, limits, resendLost: true, wrap };
            await own.deliver(path, how).catch((error: unknown) => assert.match(String(error), /killed/));
          }
        }
        await own.deliver(path, { resendLost: true, limits });
        assert.deepEqual(await own.linesInLog(), upTo(120));
        assert.equal((await own.deliver(path)).acknowledged, 0);
      } finally {
        own.remove();
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });
});

describe('records behind an open transaction of another producer', () => {
  /** Shows no more than `shown` records of each partition, for so many questions. */
  const hiding = (inner: Log, shown: number, questions: number): Log => {
    let asked = 0;
    const offsets: Log['offsets'] = async (topic) => {
      asked += 1;
      const all = await inner.offsets(topic);
      if (asked > questions) return all;
      return all.map((one) => ({ ...one, latest: Math.min(shown, one.latest), end: one.latest }));
    };
    return new Proxy(inner, {
      get(target, property) {
        const value: unknown = property === 'offsets' ? offsets : Reflect.get(target, property);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };

  test('are waited for, so that lines that wait are neither lost nor sent twice', async () => {
    const path = place.write('a', 1, 60);
    await place.deliver(path, { recordsMax: 40 });
    await place.deliver(path, { wrap: (log) => hiding(log, 2, 20) });
    assert.deepEqual(await place.linesInLog(), upTo(60));
  });

  test('are named if the transaction does not end', async () => {
    const path = place.write('a', 1, 60);
    await place.deliver(path, { recordsMax: 40 });
    await assert.rejects(place.deliver(path, { wrap: (log) => hiding(log, 2, Infinity) }), {
      code: 'LOG_UNAVAILABLE',
      message: /\d+ records of partition 0, .* are hidden by an open transaction of another producer/,
    });
  });
});

test('a position of the first version is read, and one beyond the end of the log is refused', async () => {
  const path = place.write('a', 1, 100);
  await place.deliver(path, { recordsMax: 40 });
  place.backUp();
  await place.deliver(path);
  const {
    newest: _newest,
    sha256: _sha256,
    ...rest
  } = JSON.parse(readFileSync(place.position, 'utf8')) as {
    newest: unknown;
    sha256: unknown;
  };
  writeFileSync(place.position, JSON.stringify({ ...rest, schemaVersion: 1 }));
  assert.equal((await place.deliver(path)).resumed?.finished, true);
  writeFileSync(place.position, JSON.stringify({ ...rest, schemaVersion: 1 }));
  place.restore();
  await assert.rejects(place.deliver(path), { code: 'DATA_LOSS', message: /lines 41 to 100/ });
});

describe('a stream that is resumed', () => {
  test('is refused if it is another one, before a line of it is in the log', async () => {
    await place.deliver(pipe('a\nb\nc\n'));
    const refused = { code: 'USAGE', message: /'nightly' belongs to a different input than standard input/ };
    for (const other of [
      'x\ny\nz\nw\n',
      'a\nb\nx\nmore\n',
      'a\nb\n',
      '',
      'a\n',
      'a\nb\ncc\nd\n',
      'abcdefgh\n',
    ]) {
      await assert.rejects(place.deliver(pipe(other)), refused, JSON.stringify(other));
      // However its bytes come.
      await assert.rejects(place.deliver(pipe(...other)), refused, JSON.stringify(other));
    }
    assert.deepEqual(await place.linesInLog(), upTo(3));
    const { acknowledged } = await place.deliver(pipe('a', '\nb\nc', '\nd\n'));
    assert.equal(acknowledged, 1);
  });

  test('is refused if it differs behind its first bytes, but its lines take other bytes', async () => {
    const lines = upTo(5_000).map((line) => `${lineText(line)}\n`);
    await place.deliver(pipe(...lines));
    const longer = lines.with(4_500, 'a line that is longer than the one that was delivered\n');
    await assert.rejects(place.deliver(pipe(...longer, 'more\n')), {
      code: 'USAGE',
      message: /its first 5000 lines are not the \d+ bytes that were delivered/,
    });
    await assert.rejects(place.deliver(pipe(...lines.slice(0, -1))), { message: /this stream has only \d+/ });
    assert.equal((await place.deliver(pipe(...lines, 'more\n'))).acknowledged, 1);
  });

  test('may have got the line end of its last line', async () => {
    await place.deliver(pipe('a\nb'));
    await assert.rejects(place.deliver(pipe('a\nbb\n')), { code: 'USAGE' });
    await assert.rejects(place.deliver(pipe('a\nb', 'b\n')), { code: 'USAGE' });
    assert.equal((await place.deliver(pipe('a\nb', '\nc\n'))).acknowledged, 1);
    assert.deepEqual(await place.linesInLog(), upTo(3));
  });

  test('is compared, too, if the run before was killed before it stored anything but its beginning', async () => {
    await assert.rejects(place.deliver(pipe('a\nb\n'), { wrap: (log) => dying(log, 1) }), /killed/);
    await assert.rejects(place.deliver(pipe('x\ny\nz\n')), { code: 'USAGE', message: /bytes differ/ });
    assert.equal((await place.deliver(pipe('a\nb\nc\n'))).acknowledged, 1);
  });

  test('may be any other one as long as nothing of the first was delivered', async () => {
    const refusing = (log: Log): Log => withAppend(log, () => Promise.reject(new Error('killed')));
    await assert.rejects(place.deliver(pipe('a\nb\n'), { wrap: refusing }), /killed/);
    assert.equal((await place.deliver(pipe('x\ny\nz\n'))).acknowledged, 3);
  });
});
