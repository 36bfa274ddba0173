import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, duration } from '../../src/values/units.ts';
import {
  boolean,
  decimal,
  folder,
  integer,
  oneOf,
  orOff,
  orWord,
  port,
  servers,
  timeZone,
  type ValueType,
} from '../../src/values/values.ts';

/** The value, or undefined where the text is none. */
function read<T>(type: ValueType<T>, text: string): T | undefined {
  const parsed = type.parse(text);
  return parsed.kind === 'value' ? parsed.value : undefined;
}

test('durations read in every unit, singular and plural', () => {
  const type = duration('0 ms', '3650 days');
  const cases: [string, number][] = [
    ['0 seconds', 0],
    ['500 ms', 500],
    ['500ms', 500],
    ['1 millisecond', 1],
    ['10 seconds', 10_000],
    ['1.5 seconds', 1500],
    ['1.001 seconds', 1001],
    ['10s', 10_000],
    ['2 min', 120_000],
    ['1 minute', 60_000],
    ['1 hour', 3_600_000],
    ['0.5 h', 1_800_000],
    ['3650 days', 315_360_000_000],
    ['1 Hour', 3_600_000],
    ['10 m', 600_000],
    ['1  s', 1000],
    ['1 week', 604_800_000],
    ['1 hour 30 minutes', 5_400_000],
    ['1h30m', 5_400_000],
    ['2500000 us', 2500],
  ];
  for (const [text, ms] of cases) assert.equal(read(type, text), ms, text);
});

test('a duration without a unit, with an unknown one, beyond its bounds, or not in whole milliseconds is refused', () => {
  const type = duration('1 second', '1 day');
  for (const text of [
    '',
    '10',
    'ten seconds',
    '10 weeks',
    '1 hour 30',
    '1 month',
    '-1 s',
    '1e3 s',
    '999 ms',
    '25 hours',
    '1.0001 s',
    '1.2.3 s',
    '٣ s',
    '1 constructor',
    '1 ss',
  ]) {
    assert.equal(read(type, text), undefined, text);
  }
  const parsed = type.parse('10');
  assert.ok(parsed.kind === 'mismatch' && parsed.note?.includes('unit'));
});

test('every whole number of a unit comes back exactly', () => {
  const units = fc.constantFrom<[string, number]>(
    ['ms', 1],
    ['seconds', 1000],
    ['minutes', 60_000],
    ['hours', 3_600_000],
  );
  fc.assert(
    fc.property(fc.nat(87_599), units, fc.nat(999), (count, [unit, factor], thousandths) => {
      const type = duration('0 ms', '3650 days');
      assert.equal(read(type, `${count} ${unit}`), count * factor);
      const withFraction = read(type, `${count}.${String(thousandths).padStart(3, '0')} ${unit}`);
      const exact = (BigInt(count) * 1000n + BigInt(thousandths)) * BigInt(factor);
      assert.equal(withFraction, exact % 1000n === 0n ? Number(exact / 1000n) : undefined);
    }),
  );
});

test('sizes read in powers of 1024 and of 1000, and as a plain number of bytes', () => {
  const type = bytes('0 B', '1024 TiB');
  const cases: [string, number][] = [
    ['1048576', 2 ** 20],
    ['64 MiB', 64 * 2 ** 20],
    ['64 MB', 64e6],
    ['1 GiB', 2 ** 30],
    ['1.5 KiB', 1536],
    ['1 byte', 1],
    ['1024 TiB', 2 ** 50],
  ];
  for (const [text, value] of cases) assert.equal(read(type, text), value, text);
  for (const text of ['', '1 XiB', '-1', '1025 TiB', '0.3 KiB', '1 MiB ', '9'.repeat(400)])
    assert.equal(read(type, text), undefined, text);
});

test('numbers are digits, within their bounds', () => {
  for (const text of ['', '0', '11', '-1', '+1', '1.0', '1e1', '0x5', ' 1', '1_0', 'Infinity', 'NaN', '٣']) {
    assert.equal(read(integer(1, 10), text), undefined, text);
  }
  assert.deepEqual([read(integer(1, 10), '1'), read(integer(1, 10), '10')], [1, 10]);
  const rate = orWord(decimal(0.001, 1000), 'max', 'max');
  assert.deepEqual(
    ['0.5', '1000', 'max', '0', '1001', '.5', 'Max'].map((text) => read(rate, text)),
    [0.5, 1000, 'max', undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(
    ['0', '65535', '65536', 'off'].map((text) => read(orOff(port()), text)),
    [0, 65535, undefined, null],
  );
});

test('true and false are the only booleans, and what looks like one is answered with it', () => {
  assert.deepEqual([read(boolean(), 'true'), read(boolean(), 'false')], [true, false]);
  for (const [text, suggestion] of [
    ['yes', 'true'],
    ['ON', 'true'],
    ['True', 'true'],
    ['0', 'false'],
    ['off', 'false'],
  ] as const) {
    assert.deepEqual(boolean().parse(text), { kind: 'mismatch', suggestion });
  }
  assert.deepEqual(boolean().parse('maybe'), { kind: 'mismatch' });
});

test('a name that comes later is told apart from a name that is none', () => {
  const type = oneOf(['embedded', 'kafka'], { kafka: 'Later.' });
  assert.equal(read(type, 'embedded'), 'embedded');
  assert.deepEqual(type.parse('kafka'), { kind: 'unavailable', note: 'Later.' });
  assert.deepEqual(type.parse('embeded'), { kind: 'mismatch', suggestion: 'embedded' });
  assert.deepEqual(type.parse('constructor'), { kind: 'mismatch' });
});

test('time zones are known by name whatever the case, and a slip is answered', () => {
  assert.equal(read(timeZone(), 'UTC'), 'UTC');
  assert.equal(read(timeZone(), 'utc'), 'UTC');
  assert.equal(read(timeZone(), 'europe/berlin'), 'Europe/Berlin');
  assert.deepEqual(timeZone().parse('Europe/Berlinn'), { kind: 'mismatch', suggestion: 'Europe/Berlin' });
  assert.equal(read(timeZone(), ''), undefined);
});

test('servers are host:port, one or several', () => {
  assert.deepEqual(read(servers(), 'localhost:9092'), ['localhost:9092']);
  assert.deepEqual(read(servers(), 'a:1, b.example:65535,[::1]:9092'), [
    'a:1',
    'b.example:65535',
    '[::1]:9092',
  ]);
  for (const text of ['', 'localhost', 'a:b', 'a:65536', 'a:1,', 'http://a:1', '::1:9092'])
    assert.equal(read(servers(), text), undefined, text);
});

test('a folder is any path, but not one that only a shell understands', () => {
  for (const text of ['data', './auto', '/var/lib/x y', 'C:\\data', '~backup'])
    assert.equal(read(folder(), text), text);
  for (const text of ['', '~', '~/data', 'a\0b']) assert.equal(read(folder(), text), undefined);
});
