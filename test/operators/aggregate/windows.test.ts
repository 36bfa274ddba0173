/** Windows against their definition, looked for one by one, in zones whose clocks jump in every way there was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { windowsOf, type Span } from '../../../src/operators/aggregate/windows.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const UTC = TimeZone.of('UTC');

const windows = (sizeMs: number, slideMs = sizeMs, startMs = 0, zone = UTC) => {
  const spansOf = windowsOf({ sizeMs, slideMs, startMs }, zone);
  return (time: string): string[] => spansOf(Date.parse(time) * 1000).map(textOf);
};

const textOf = ({ start, end }: Span): string =>
  `${new Date(start / 1000).toISOString().slice(0, 16)} ${new Date(end / 1000).toISOString().slice(0, 16)}`;

describe('windows', () => {
  it('are half-open, and aligned to the epoch, before it too', () => {
    const quarters = windows(15 * 60_000);
    assert.deepEqual(quarters('2025-01-01T10:15:00Z'), ['2025-01-01T10:15 2025-01-01T10:30']);
    assert.deepEqual(quarters('2025-01-01T10:14:59.999Z'), ['2025-01-01T10:00 2025-01-01T10:15']);
    assert.deepEqual(quarters('1969-12-31T23:59:59Z'), ['1969-12-31T23:45 1970-01-01T00:00']);
    assert.deepEqual(windows(7 * 60_000)('1969-12-31T23:52:59Z'), ['1969-12-31T23:46 1969-12-31T23:53']);
  });

  it('that slide hold an instant several times, and are moved by their start', () => {
    assert.deepEqual(windows(50 * 60_000, 20 * 60_000)('2025-01-01T01:00:00Z'), [
      '2025-01-01T00:20 2025-01-01T01:10',
      '2025-01-01T00:40 2025-01-01T01:30',
      '2025-01-01T01:00 2025-01-01T01:50',
    ]);
    assert.deepEqual(windows(HOUR, HOUR, -600_000)('2025-01-01T01:55:00Z'), [
      '2025-01-01T01:50 2025-01-01T02:50',
    ]);
  });

  it('of a day have 23 and 25 hours where the day has', () => {
    const days = windows(DAY, DAY, 0, TimeZone.of('Europe/Berlin'));
    assert.deepEqual(days('2025-03-30T12:00:00Z'), ['2025-03-29T23:00 2025-03-30T22:00']);
    assert.deepEqual(days('2025-10-26T12:00:00Z'), ['2025-10-25T22:00 2025-10-26T23:00']);
  });

  it('begin at one o’clock on a day without a midnight', () => {
    const days = windows(DAY, DAY, 0, TimeZone.of('America/Havana'));
    assert.deepEqual(days('2025-03-09T12:00:00Z'), ['2025-03-09T05:00 2025-03-10T04:00']);
    assert.deepEqual(days('2025-03-09T04:59:59Z'), ['2025-03-08T05:00 2025-03-09T05:00']);
  });

  it('are over when clocks first show their end, though they show the time before it again', () => {
    // 2010-11-07 in St. John's: at 00:01 back to 23:01 of the day before.
    const days = windows(DAY, DAY, 0, TimeZone.of('America/St_Johns'));
    const seventh = '2010-11-07T02:30 2010-11-08T03:30';
    assert.deepEqual(days('2010-11-07T02:29:59Z'), ['2010-11-06T02:30 2010-11-07T02:30']);
    assert.deepEqual(days('2010-11-07T02:30:30Z'), [seventh]);
    assert.deepEqual(days('2010-11-07T03:00:00Z'), [seventh], 'at half past eleven, the second time');
    // A start within the hour that Berlin's clocks show twice.
    const shifted = windows(DAY, DAY, 2.5 * HOUR, TimeZone.of('Europe/Berlin'));
    assert.deepEqual(shifted('2025-10-26T01:10:00Z'), ['2025-10-26T00:30 2025-10-27T01:30']);
  });

  it('keep apart days that begin together, where a zone skipped a whole day', () => {
    const spans = windows(2 * DAY, DAY, 0, TimeZone.of('Pacific/Apia'))('2011-12-30T12:00:00Z');
    assert.deepEqual(spans, ['2011-12-30T10:00 2011-12-31T10:00', '2011-12-30T10:00 2012-01-01T10:00']);
  });

  const zones = [
    ['Europe/Berlin', '2025-03-30', '2025-10-26'],
    ['America/Havana', '2025-03-09', '2025-11-02'],
    ['America/St_Johns', '2010-03-14', '2010-11-07'],
    ['America/Sao_Paulo', '2018-11-04', '2018-02-18'],
    ['Asia/Beirut', '2022-03-27', '2022-10-30'],
    ['Africa/Cairo', '2010-04-30', '2010-10-01'],
    ['Australia/Lord_Howe', '2025-10-05', '2025-04-06'],
    ['Pacific/Apia', '2011-12-30'],
    ['Pacific/Kwajalein', '1993-08-21'],
    ['Asia/Gaza', '2023-04-29', '2011-08-01'],
    ['Europe/Amsterdam', '1937-07-01', '1940-05-16'],
    ['Africa/Monrovia', '1972-01-07'],
  ] as const;
  for (const [name, ...days] of zones) {
    it(`are those of the definition around changes in ${name}`, () => {
      const zone = TimeZone.of(name);
      const options = [
        { sizeMs: DAY, slideMs: DAY, startMs: 0 },
        { sizeMs: DAY, slideMs: DAY, startMs: 2.5 * HOUR },
        { sizeMs: 3 * DAY, slideMs: DAY, startMs: 0 },
        { sizeMs: 3 * DAY, slideMs: 2 * DAY, startMs: -HOUR },
      ];
      for (const option of options) {
        const spansOf = windowsOf(option, zone);
        for (const day of days) {
          const boundaryAt = boundaries(zone, option, Date.parse(day));
          for (let ms = Date.parse(day) - 1.5 * DAY; ms < Date.parse(day) + 2 * DAY; ms += 17 * 60_000) {
            const expected = boundaryAt
              .map(({ start, end }) => ({ start: start * 1000, end: end * 1000 }))
              .filter(({ start, end }) => start <= ms * 1000 && ms * 1000 < end);
            assert.deepEqual(
              spansOf(ms * 1000).map(textOf),
              expected.map(textOf),
              new Date(ms).toISOString(),
            );
          }
        }
      }
    });
  }
});

/** All windows near a day, each end the first minute at which clocks show it or a later time. */
function boundaries(
  zone: TimeZone,
  { sizeMs, slideMs, startMs }: { sizeMs: number; slideMs: number; startMs: number },
  dayMs: number,
): { start: number; end: number }[] {
  const from = dayMs - 9 * DAY;
  const local: number[] = [];
  for (let ms = from; ms < dayMs + 9 * DAY; ms += 60_000 / 6)
    local.push(ms + zone.offsetMicrosAt(ms * 1000) / 1000);
  let highest = -Infinity;
  const shown = local.map((ms) => (highest = Math.max(highest, ms)));
  const firstShowing = (localMs: number): number => {
    let [low, high] = [0, shown.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((shown[middle] as number) >= localMs) high = middle;
      else low = middle + 1;
    }
    return from + low * 10_000;
  };
  const spans: { start: number; end: number }[] = [];
  let grid = Math.floor((dayMs - 6 * DAY - startMs) / slideMs) * slideMs + startMs;
  for (; grid < dayMs + 5 * DAY; grid += slideMs) {
    spans.push({ start: firstShowing(grid), end: firstShowing(grid + sizeMs) });
  }
  return spans;
}
