import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makePurchaseFile, type ExpectedTotals, type PurchaseFile, type Verdict } from './purchase-file.ts';
import { Place } from './run-cli.ts';

interface Accounting {
  readonly read: number;
  readonly accepted: number;
  readonly invalid: number;
  readonly duplicate: number;
  readonly late: number;
}

interface Totals extends ExpectedTotals {
  readonly schemaVersion: number;
  readonly queryName: string;
  readonly lastBatchId: number;
  readonly accounting: Accounting;
}

interface Report {
  readonly batchId: number;
  readonly accounting: Accounting;
  readonly runningTotals: ExpectedTotals['runningTotals'];
}

interface Letter {
  readonly reason: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string | null;
}

const LINES = 70_000;
/** No partition becomes idle however slow the machine is, and the machine's own zone is nobody's. */
const SETTINGS = { TALLYSTREAM_QUERY_IDLE_TIMEOUT: '30 days', TZ: 'Pacific/Chatham' };

function writeLines(place: Place, lines: readonly Buffer[]): string {
  const path = join(place.folder, 'purchases.ndjson');
  writeFileSync(path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
  return path;
}

function expectedAccounting(verdicts: readonly Verdict[]): Accounting {
  const count = (...wanted: readonly Verdict[]): number =>
    verdicts.filter((verdict) => wanted.includes(verdict)).length;
  const accepted = count('accepted');
  const duplicate = count('DUPLICATE');
  const late = count('LATE');
  return {
    read: verdicts.length,
    accepted,
    invalid: verdicts.length - accepted - duplicate - late,
    duplicate,
    late,
  };
}

function assertTotals(totals: Totals, file: PurchaseFile, hoursEast = 0): void {
  const { runningTotals, days, categories } = file.totals(hoursEast);
  assert.deepEqual(totals.accounting, expectedAccounting(file.verdicts));
  const { read, accepted, invalid, duplicate, late } = totals.accounting;
  assert.equal(read, accepted + invalid + duplicate + late);
  assert.deepEqual(totals.runningTotals, runningTotals);
  assert.deepEqual(totals.days, days);
  assert.deepEqual(totals.categories, categories);
}

describe('70,000 purchases from a file, in one partition', () => {
  const place = new Place({ ...SETTINGS, TALLYSTREAM_LOG_PARTITIONS: '1' });
  const file = makePurchaseFile({ seed: 20_240_620, lines: LINES, late: true });
  let reports: Report[] = [];
  let totals: Totals;

  before(async () => {
    const path = writeLines(place, file.lines);
    const summary = await place.json<{ acknowledged: number; unacknowledged: number }>([
      'produce',
      '--from',
      path,
    ]);
    assert.deepEqual([summary.acknowledged, summary.unacknowledged], [LINES, 0]);
    reports = await place.jsonLines<Report>(['run', '--available-now']);
    totals = await place.json<Totals>(['totals']);
  });
  after(() => place.remove());

  test('holds what the issue asks for, or the other tests say little', () => {
    assert.equal(file.lines.length, LINES);
    const seen = new Set(file.verdicts);
    assert.deepEqual([...seen].toSorted(), [
      'AMOUNT_MISMATCH',
      'CONFLICTING_DUPLICATE',
      'DUPLICATE',
      'EMPTY',
      'FUTURE_TIMESTAMP',
      'INVALID_UTF8',
      'LATE',
      'MALFORMED_JSON',
      'MISSING_FIELD',
      'OUT_OF_RANGE',
      'TOO_LARGE',
      'WRONG_TYPE',
      'accepted',
    ]);
    const text = Buffer.concat(file.lines.slice(0, 2000)).toString('utf8');
    for (const form of [
      /\\u00[0-9a-fA-F]{2}/,
      /\\\//,
      /\\"/,
      /\\ud83d\\ude00/i,
      /😀/,
      /": /,
      / ,\t?/,
      /\de\+?\d/,
    ]) {
      assert.match(text, form);
    }
  });

  test('adds up to every day, category and running total of an independent sum, in the documented order', () => {
    assertTotals(totals, file);
    assert.ok(totals.days.length > 20);
    assert.ok(totals.categories.length > 200);
  });

  test('keeps sums beyond what a float holds exactly', () => {
    const rupiah = totals.runningTotals.find(({ currency }) => currency === 'IDR');
    assert.ok(BigInt((rupiah?.total ?? '0').replace('.', '')) > 2n ** 63n);
  });

  test('puts equal totals in order of code points', () => {
    const tied = totals.categories.filter(({ currency }) => currency === 'SEK');
    assert.deepEqual(
      tied.map(({ category, total }) => [category, total]),
      [
        ['Z', '5.00'],
        ['\uff21', '5.00'],
        ['😀', '5.00'],
      ],
    );
  });

  test('reports batches whose accounting adds up to that of the totals', () => {
    assert.equal(reports.at(-1)?.batchId, totals.lastBatchId);
    assert.deepEqual(reports.at(-1)?.runningTotals, totals.runningTotals);
    for (const name of ['read', 'accepted', 'invalid', 'duplicate', 'late'] as const) {
      const sum = reports.reduce((so_far, { accounting }) => so_far + accounting[name], 0);
      assert.equal(sum, totals.accounting[name], name);
    }
  });

  test('gives every line that is not accepted its reason, and keeps its bytes', async () => {
    const letters = await place.jsonLines<Letter>(['dead-letters', 'list']);
    const duplicates = await place.jsonLines<Letter>(['dead-letters', 'list', '--reason', 'DUPLICATE']);
    const found = new Map([...letters, ...duplicates].map((letter) => [letter.offset, letter]));
    assert.equal(found.size, letters.length + duplicates.length);
    file.verdicts.forEach((verdict, offset) => {
      assert.equal(found.get(offset)?.reason ?? 'accepted', verdict, `line ${offset + 1}`);
    });
    for (const { offset, value } of letters) {
      const bytes = Buffer.from(value ?? '', 'base64');
      assert.ok(bytes.equals(file.lines[offset] as Buffer), `the bytes of line ${offset + 1}`);
    }
    for (const { value } of duplicates) assert.equal(value, null);
  });

  test('gives identical totals where it is cut into many small batches', async () => {
    const env = {
      TALLYSTREAM_QUERY_NAME: 'small-batches',
      TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '2999',
    };
    const small = await place.jsonLines<Report>(['run', '--available-now'], { env });
    assert.equal(small.length, Math.ceil(LINES / 2999));
    const { queryName, lastBatchId, ...sums } = await place.json<Totals>(['totals'], { env });
    assert.deepEqual([queryName, lastBatchId], ['small-batches', small.length - 1]);
    const { queryName: _, lastBatchId: __, ...whole } = totals;
    assert.deepEqual(sums, whole);
  });

  test('sums the days of another zone where the query has one', async () => {
    const env = { TALLYSTREAM_QUERY_NAME: 'new-york', TALLYSTREAM_QUERY_TIME_ZONE: 'America/New_York' };
    await place.ok(['run', '--available-now'], { env });
    const zoned = await place.json<Totals>(['totals'], { env });
    assertTotals(zoned, file, -4);
    assert.notDeepEqual(zoned.days, totals.days);
  });
});

describe('purchases from a file, in four partitions by customer', () => {
  const place = new Place(SETTINGS);
  const file = makePurchaseFile({ seed: 7, lines: 20_000, late: false });
  after(() => place.remove());

  test('add up to the same, cut in any way', async () => {
    await place.ok(['produce', '--from', '-'], {
      input: Buffer.concat(file.lines.flatMap((line) => [line, Buffer.from('\n')])),
    });
    for (const [name, offsetsMax] of [
      ['at-once', '500000'],
      ['in-parts', '1777'],
    ] as const) {
      const env = { TALLYSTREAM_QUERY_NAME: name, TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: offsetsMax };
      await place.ok(['run', '--available-now'], { env });
      assertTotals(await place.json<Totals>(['totals'], { env }), file);
    }
  });
});

describe('days on which clocks are set', () => {
  /** When the days begin, in UTC, as the calendars of these zones have it. */
  const ZONES = {
    'Europe/Berlin': [
      ['2024-03-30', '2024-03-29T23:00Z', 24],
      ['2024-03-31', '2024-03-30T23:00Z', 23],
      ['2024-04-01', '2024-03-31T22:00Z', 24],
      ['2024-10-26', '2024-10-25T22:00Z', 24],
      ['2024-10-27', '2024-10-26T22:00Z', 25],
      ['2024-10-28', '2024-10-27T23:00Z', 24],
    ],
    'America/New_York': [
      ['2024-03-09', '2024-03-09T05:00Z', 24],
      ['2024-03-10', '2024-03-10T05:00Z', 23],
      ['2024-03-11', '2024-03-11T04:00Z', 24],
      ['2024-11-02', '2024-11-02T04:00Z', 24],
      ['2024-11-03', '2024-11-03T04:00Z', 25],
      ['2024-11-04', '2024-11-04T05:00Z', 24],
    ],
  } as const;

  for (const [zone, days] of Object.entries(ZONES)) {
    test(`have 23 and 25 hours in ${zone}`, async (t) => {
      const place = new Place({
        TALLYSTREAM_QUERY_TIME_ZONE: zone,
        TALLYSTREAM_QUERY_WATERMARK_DELAY: 'off',
      });
      t.after(() => place.remove());
      const everyMinutes = 10;
      const lines: string[] = [];
      const expected = days.map(([date, begin, hours]) => {
        let cents = 0;
        for (let minute = 0; minute < hours * 60; minute += everyMinutes) {
          cents += lines.length;
          lines.push(purchaseAt(Date.parse(begin) + minute * 60_000, lines.length));
        }
        const total = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
        return { date, currency: 'EUR', total, transactions: hours * (60 / everyMinutes) };
      });
      await place.ok(['produce', '--from', '-'], { input: `${lines.join('\n')}\n` });
      await place.ok(['run', '--available-now']);
      assert.deepEqual((await place.json<Totals>(['totals'])).days, expected);
    });
  }
});

function purchaseAt(ms: number, cents: number): string {
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  return (
    `{"event_id":"p${cents}","timestamp":"${new Date(ms).toISOString()}","customer_id":"c","product_category":"Books",` +
    `"quantity":1,"unit_price":${amount},"total_amount":${amount},"currency":"EUR"}`
  );
}
