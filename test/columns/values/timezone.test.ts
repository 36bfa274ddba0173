import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { formatLocalDateTime, parseDay } from '../../../src/columns/values/timestamp.ts';

/** What these tests use of Temporal, which not every runtime has and the type library does not describe yet. */
interface TemporalLike {
  Instant: { fromEpochMilliseconds(ms: number): { toZonedDateTimeISO(zone: string): ZonedLike } };
  PlainDateTime: {
    from(text: string): { toZonedDateTime(zone: string, options: { disambiguation: string }): ZonedLike };
  };
}
interface ZonedLike {
  readonly offsetNanoseconds: number;
  readonly epochMilliseconds: number;
  getTimeZoneTransition(direction: 'next'): ZonedLike | null;
  toPlainDate(): { toString(): string };
}

const temporal = (globalThis as { Temporal?: TemporalLike }).Temporal;
const withTemporal = {
  skip: temporal === undefined ? 'this runtime has no Temporal to compare with' : false,
};

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Africa/Monrovia',
  'America/St_Johns',
  'Europe/Dublin',
  'Asia/Kolkata',
];

const MS_1900 = Date.UTC(1900, 0, 1);
const MS_2200 = Date.UTC(2200, 0, 1);
const HOUR_MS = 3_600_000;

function micros(text: string): number {
  return Date.parse(text) * 1000;
}

/** Local text as microseconds since 1970-01-01T00:00 local. */
function local(text: string): number {
  return micros(`${text}Z`);
}

function zoned(zone: string, ms: number): ZonedLike {
  return (temporal as TemporalLike).Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
}

/** Instants near the changes of a zone, and anywhere else. */
function instantsOf(zone: string): fc.Arbitrary<number> {
  const anywhere = fc.integer({ min: MS_1900, max: MS_2200 - 1 });
  const nearChange = fc
    .tuple(anywhere, fc.integer({ min: -26 * HOUR_MS, max: 26 * HOUR_MS }))
    .map(([ms, by]) => {
      const change = zoned(zone, ms).getTimeZoneTransition('next');
      return change === null ? ms : Math.min(change.epochMilliseconds + by, MS_2200 - 1);
    });
  const atChange = fc.tuple(anywhere, fc.integer({ min: -1, max: 1 })).map(([ms, by]) => {
    const change = zoned(zone, ms).getTimeZoneTransition('next');
    return change === null ? ms : Math.min(change.epochMilliseconds + by, MS_2200 - 1);
  });
  return fc.oneof(anywhere, nearChange, atChange);
}

test('offsets and days are those of Temporal from 1900 to 2200', withTemporal, () => {
  for (const name of ZONES) {
    const zone = TimeZone.of(name);
    fc.assert(
      fc.property(instantsOf(name), (ms) => {
        const expected = zoned(name, ms);
        assert.equal(zone.offsetMicrosAt(ms * 1000), expected.offsetNanoseconds / 1000);
        assert.equal(zone.dayOf(ms * 1000), parseDay(expected.toPlainDate().toString()));
      }),
      { numRuns: 400 },
    );
  }
});

test('local times become the instants that Temporal gives, or none in a gap', withTemporal, () => {
  for (const name of ZONES) {
    const zone = TimeZone.of(name);
    const around = fc.tuple(instantsOf(name), fc.integer({ min: -26 * HOUR_MS, max: 26 * HOUR_MS }));
    fc.assert(
      fc.property(around, ([ms, by]) => {
        const localMs = ms + by;
        const plain = (temporal as TemporalLike).PlainDateTime.from(
          new Date(localMs).toISOString().slice(0, -1),
        );
        const earlier = plain.toZonedDateTime(name, { disambiguation: 'earlier' }).epochMilliseconds;
        const later = plain.toZonedDateTime(name, { disambiguation: 'later' }).epochMilliseconds;
        // In a gap the two answers differ and neither shows the local time again.
        const inGap = earlier + zoned(name, earlier).offsetNanoseconds / 1e6 !== localMs;
        assert.equal(zone.toInstant(localMs * 1000), inGap ? undefined : Math.min(earlier, later) * 1000);
      }),
      { numRuns: 400 },
    );
  }
});

test('clocks read as Intl shows them', () => {
  for (const name of ZONES) {
    const zone = TimeZone.of(name);
    const intl = new Intl.DateTimeFormat('sv-SE', {
      timeZone: name,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    fc.assert(
      fc.property(fc.integer({ min: MS_1900, max: MS_2200 }), (ms) => {
        assert.equal(formatLocalDateTime(ms * 1000, zone), intl.format(Math.floor(ms / 1000) * 1000));
      }),
      { numRuns: 100 },
    );
  }
});

test('a day has 23 hours in spring and 25 in autumn', () => {
  const berlin = TimeZone.of('Europe/Berlin');
  const hoursOf = (day: string): number => {
    let hours = 0;
    for (let hour = -24; hour < 48; hour++) {
      if (berlin.dayOf(micros(`${day}T00:00:00Z`) + hour * 3.6e9) === parseDay(day)) hours++;
    }
    return hours;
  };
  assert.equal(hoursOf('2025-03-30'), 23);
  assert.equal(hoursOf('2025-06-26'), 24);
  assert.equal(hoursOf('2025-10-26'), 25);
});

test('a local time that comes twice is the earlier instant, and one that is skipped is none', () => {
  const berlin = TimeZone.of('Europe/Berlin');
  assert.equal(berlin.toInstant(local('2025-10-26T02:30:00')), micros('2025-10-26T00:30:00Z'));
  assert.equal(berlin.toInstant(local('2025-10-26T03:00:00')), micros('2025-10-26T02:00:00Z'));
  assert.equal(berlin.toInstant(local('2025-03-30T02:00:00')), undefined);
  assert.equal(berlin.toInstant(local('2025-03-30T02:59:59')), undefined);
  assert.equal(berlin.toInstant(local('2025-03-30T03:00:00')), micros('2025-03-30T01:00:00Z'));
  const lordHowe = TimeZone.of('Australia/Lord_Howe');
  assert.equal(lordHowe.toInstant(local('2025-04-06T01:45:00')), micros('2025-04-05T14:45:00Z'));
  assert.equal(lordHowe.toInstant(local('2025-10-05T02:15:00')), undefined);
});

test('the day that Apia skipped does not exist', () => {
  const apia = TimeZone.of('Pacific/Apia');
  assert.equal(apia.toInstant(local('2011-12-30T12:00:00')), undefined);
  assert.equal(apia.dayOf(micros('2011-12-30T09:59:59.999Z')), parseDay('2011-12-29'));
  assert.equal(apia.dayOf(micros('2011-12-30T10:00:00Z')), parseDay('2011-12-31'));
});

test('UTC under any of its names, and fixed offsets', () => {
  for (const name of ['UTC', 'utc', 'Etc/UTC', 'GMT']) {
    const zone = TimeZone.of(name);
    assert.equal(zone.name, name);
    assert.equal(zone.offsetMicrosAt(micros('2025-06-26T00:00:00Z')), 0);
    assert.equal(zone.dayOf(-1), -1);
    assert.equal(zone.toInstant(42), 42);
  }
  assert.equal(TimeZone.of('+05:45').offsetMicrosAt(0), 20_700_000_000);
});

test('the cache forgets and learns again without harm', () => {
  const zone = TimeZone.of('Europe/Berlin');
  // 4096 days apart, these two days take the same place.
  const summer = micros('2025-07-01T12:00:00Z');
  const winter = summer - 4096 * 864e8 - 150 * 864e8;
  for (let round = 0; round < 3; round++) {
    for (const at of [summer, summer - 4096 * 864e8, winter, winter + 4096 * 864e8]) {
      assert.equal(zone.offsetMicrosAt(at), TimeZone.of('Europe/Berlin').offsetMicrosAt(at));
    }
  }
});

test('refuses a zone that nobody knows', () => {
  assert.throws(() => TimeZone.of('Mars/Olympus_Mons'), RangeError);
  assert.throws(() => TimeZone.of(''), RangeError);
});
