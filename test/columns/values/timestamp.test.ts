import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DateParser,
  formatDay,
  formatLocalDateTime,
  formatEpochMs,
  formatTimestamp,
  INSTANT_MICROS_MAX,
  INSTANT_MICROS_MIN,
  parseDay,
  TimestampParser,
  type TimestampOutcome,
} from '../../../src/columns/values/timestamp.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { readTimestamp } from '../oracle.ts';

const parser = new TimestampParser();

function parse(text: string, assumeZone?: TimeZone): number | Exclude<TimestampOutcome, 'ok'> {
  // Neighbours on both sides show whether the parser stays inside of its bytes.
  const bytes = new TextEncoder().encode(`0${text}0Z`);
  const outcome = parser.parse(bytes, 1, bytes.length - 2, assumeZone);
  return outcome === 'ok' ? parser.micros : outcome;
}

test('reads RFC 3339 in all its forms', () => {
  const expected = Date.UTC(2025, 5, 26, 14, 11, 33) * 1000;
  for (const text of [
    '2025-06-26T14:11:33Z',
    '2025-06-26t14:11:33z',
    '2025-06-26T14:11:33.0Z',
    '2025-06-26T16:11:33+02:00',
    '2025-06-26T00:11:33-14:00',
    '2025-06-26T14:11:33-00:00',
    '2025-06-27T14:10:33+23:59',
    '2025-06-26T14:11:33.00000099999999999999Z',
  ]) {
    assert.equal(parse(text), expected, text);
  }
  assert.equal(parse('2025-06-26T14:11:33.25Z'), expected + 250_000);
  assert.equal(parse('2025-06-26T14:11:33.123456789Z'), expected + 123_456);
});

test('cuts decimals off within the second, before 1970 too', () => {
  assert.equal(parse('1969-12-31T23:59:59.9999999Z'), -1);
  assert.equal(parse('1970-01-01T00:00:00.0000009Z'), 0);
});

test('refuses what is not RFC 3339', () => {
  for (const text of [
    '',
    '2025-06-26',
    '2025-06-26 14:11:33Z',
    '2025-06-26T14:11Z',
    '2025-06-26T14:11:33.Z',
    '2025-06-26T14:11:33,5Z',
    '2025-06-26T14:11:33+0200',
    '2025-06-26T14:11:33+02',
    '2025-06-26T14:11:33+02:00Z',
    '2025-06-26T14:11:33ZZ',
    '2025-06-26T14:11:33Z ',
    '25-06-26T14:11:33Z',
    '+02025-06-26T14:11:33Z',
    '2025-6-26T14:11:33Z',
    '2025-06-26T14:11:3٣Z',
    '-025-06-26T14:11:33Z',
    '2025-W26-4T14:11:33Z',
    '1750947093',
  ]) {
    assert.equal(parse(text), 'syntax', text);
  }
});

test('a timestamp without a zone is told apart, unless a zone is assumed', () => {
  assert.equal(parse('2025-06-26T14:11:33'), 'no-zone');
  assert.equal(parse('2025-06-26T14:11:33.5'), 'no-zone');
  const berlin = TimeZone.of('Europe/Berlin');
  assert.equal(parse('2025-06-26T14:11:33.5', berlin), Date.UTC(2025, 5, 26, 12, 11, 33, 500) * 1000);
  assert.equal(parse('2025-10-26T02:30:00', berlin), Date.UTC(2025, 9, 26, 0, 30) * 1000);
  assert.equal(parse('2025-03-30T02:30:00', berlin), 'gap');
  assert.equal(parse('2025-02-30T02:30:00', berlin), 'range');
  assert.equal(parse('2025-06-26T14:11:33Z', berlin), Date.UTC(2025, 5, 26, 14, 11, 33) * 1000);
  assert.equal(parse('2025-06-26', berlin), 'syntax');
});

test('refuses dates and times that do not exist', () => {
  for (const text of [
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2025-00-10T00:00:00Z',
    '2025-13-10T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-04-00T00:00:00Z',
    '2025-06-26T24:00:00Z',
    '2025-06-26T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2025-06-26T14:11:33+24:00',
    '2025-06-26T14:11:33+23:60',
    '0000-01-01T00:00:00Z',
    '1699-12-31T23:59:59.999999Z',
    '9999-12-31T23:59:59-00:01',
  ]) {
    assert.equal(parse(text), 'range', text);
  }
  assert.equal(typeof parse('2000-02-29T00:00:00Z'), 'number');
});

test('the bounds are the years 1700 to 9999', () => {
  assert.equal(INSTANT_MICROS_MIN, Date.UTC(1700, 0, 1) * 1000);
  assert.equal(parse('1700-01-01T00:00:00Z'), INSTANT_MICROS_MIN);
  assert.equal(parse('9999-12-31T23:59:59.999999Z'), INSTANT_MICROS_MAX);
  assert.equal(formatTimestamp(INSTANT_MICROS_MAX).slice(0, 19), '9999-12-31T23:59:59');
});

/** Texts that are timestamps, nearly timestamps, and timestamps of days that do not exist. */
const timestampText = fc
  .tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.integer({ min: 0, max: 24 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom('', '.', '.5', '.25', '.123456', '.999999999', '.0000001'),
    fc.constantFrom('Z', 'z', '', '+02:00', '-05:30', '+23:59', '-24:00', '+01:60', 'X'),
  )
  .map(([year, month, day, hour, minute, second, fraction, zone]) => {
    const two = (value: number): string => String(value).padStart(2, '0');
    return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone}`;
  });

test('says what a regular expression and Date say, for any text near a timestamp', () => {
  fc.assert(
    fc.property(timestampText, (text) => {
      const expected = readTimestamp(text);
      const actual = parse(text);
      if (expected === 'WRONG_TYPE')
        assert.ok(actual === 'syntax' || actual === 'no-zone', `${text}: ${actual}`);
      else if (expected === 'OUT_OF_RANGE') assert.equal(actual, 'range', text);
      else assert.equal(actual, Math.min(Number(expected.value), INSTANT_MICROS_MAX), text);
    }),
    { numRuns: 10_000 },
  );
});

test('later instants are never smaller, also where microseconds are lost', () => {
  const fraction = fc.integer({ min: 0, max: 999_999 });
  fc.assert(
    fc.property(fc.integer({ min: 9e9, max: 253_402_300_798 }), fraction, fraction, (second, a, b) => {
      const text = (micros: number): string =>
        `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const next = `${new Date(second * 1000 + 1000).toISOString().slice(0, 19)}Z`;
      assert.ok((parse(text(low)) as number) <= (parse(text(high)) as number));
      assert.ok((parse(text(high)) as number) <= (parse(next) as number));
    }),
  );
});

test('what is written is read back to the microsecond', () => {
  const exact = fc.integer({ min: INSTANT_MICROS_MIN, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(exact, (micros) => {
      const text = formatTimestamp(micros);
      assert.equal(parse(text), micros);
      assert.equal(text.slice(0, 23), new Date(Math.floor(micros / 1000)).toISOString().slice(0, 23));
    }),
  );
  assert.equal(formatTimestamp(Date.UTC(2025, 5, 26, 14, 11, 33) * 1000), '2025-06-26T14:11:33.000Z');
  assert.equal(formatTimestamp(-1), '1969-12-31T23:59:59.999999Z');
});

test('days are written and read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (day) => {
      const text = formatDay(day);
      assert.equal(parseDay(text), day);
      assert.equal(text, new Date(day * 864e5).toISOString().slice(0, 10));
    }),
  );
  assert.equal(parseDay('1970-01-01'), 0);
});

test('refuses text that names no day', () => {
  for (const text of [
    '',
    '2026-02-30',
    '2025-00-01',
    '2025-1-01',
    '2025-01-01T00:00:00Z',
    ' 2025-01-01',
    '2025-01-01\n',
  ]) {
    assert.throws(() => parseDay(text), RangeError, text);
  }
});

test('a local date and time reads as on a clock of the zone', () => {
  const micros = Date.UTC(2025, 5, 26, 14, 11, 33, 900) * 1000;
  assert.equal(formatLocalDateTime(micros, TimeZone.of('UTC')), '2025-06-26 14:11:33');
  assert.equal(formatLocalDateTime(micros, TimeZone.of('Asia/Kathmandu')), '2025-06-26 19:56:33');
  assert.equal(formatLocalDateTime(micros, TimeZone.of('Pacific/Apia')), '2025-06-27 03:11:33');
});

test('a date is YYYY-MM-DD, a real day of the years 1 to 9999', () => {
  const parser = new DateParser();
  const read = (text: string) => {
    const bytes = Buffer.from(`7${text}7`);
    const outcome = parser.parse(bytes, 1, bytes.length - 1);
    return outcome === 'ok' ? parser.day : outcome;
  };
  for (const [text, day] of [
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2024-02-29', 19_782],
    ['2000-02-29', 11_016],
    ['0001-01-01', -719_162],
    ['9999-12-31', 2_932_896],
  ] as const)
    assert.equal(read(text), day, text);
  for (const text of [
    '2025-02-29',
    '1900-02-29',
    '2025-04-31',
    '2025-00-10',
    '2025-13-01',
    '2025-01-00',
    '2025-01-32',
    '0000-01-01',
  ])
    assert.equal(read(text), 'range', text);
  for (const text of [
    '',
    '2025-1-01',
    '2025-01-1',
    '20250101',
    '2025/01/01',
    '2025-01-01T',
    '2025-01-01Z',
    ' 2025-01-01',
    '+2025-01-1',
    '12025-01-01',
    '2025-01-0x',
    '２025-01-01',
    '2025-W01-1',
  ])
    assert.equal(read(text), 'syntax', text);
});

test('every day of a date is the one that Date counts', () => {
  const parser = new DateParser();
  fc.assert(
    fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (day) => {
      const bytes = Buffer.from(new Date(day * 86_400_000).toISOString().slice(0, 10));
      assert.equal(parser.parse(bytes, 0, bytes.length), 'ok');
      assert.equal(parser.day, day);
      assert.equal(formatDay(day), bytes.toString());
    }),
    { numRuns: 5_000 },
  );
});

test('writes any integer as a time if it is one, and as its digits if it is not', () => {
  assert.equal(formatEpochMs(Date.UTC(2025, 5, 26, 14)), '2025-06-26T14:00:00.000Z');
  assert.equal(formatEpochMs(-1), '1969-12-31T23:59:59.999Z');
  assert.equal(formatEpochMs(253_402_300_799_999n), '9999-12-31T23:59:59.999Z');
  for (const digits of [
    '253402300800000',
    '-62167219200001',
    '9223372036854775807',
    '-9223372036854775808',
  ]) {
    assert.equal(formatEpochMs(BigInt(digits)), digits);
  }
  assert.equal(formatEpochMs(8.64e15 + 2), '8640000000000002');
});
