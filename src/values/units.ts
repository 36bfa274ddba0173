import { mismatch, parsed, type Parsed, type ValueType } from './values.ts';

const MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  second: 1000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A length of time with its unit, in the words of Structured Streaming: `10 seconds`, `1 hour`, `500 ms`. In milliseconds. */
export function duration(min: string, max: string): ValueType<number> {
  const [minMs, maxMs] = [amount(min, MS), amount(max, MS)];
  return {
    kind: 'duration',
    expected: `a duration from ${min} to ${max}`,
    parse: (raw) => {
      if (isBareNumber(raw)) {
        return mismatch({ note: 'A duration needs its unit: ms, seconds, minutes, hours or days.' });
      }
      return within(amount(raw, MS), minMs, maxMs);
    },
  };
}

/** A size: `64 MiB` (1024 × 1024), `64 MB` (1000 × 1000), or a plain number of bytes. */
export function bytes(min: string, max: string): ValueType<number> {
  const [minBytes, maxBytes] = [amount(min, BYTES), amount(max, BYTES)];
  return {
    kind: 'bytes',
    expected: `a size from ${min} to ${max}`,
    parse: (raw) => within(amount(isBareNumber(raw) ? `${raw} b` : raw, BYTES), minBytes, maxBytes),
  };
}

function isBareNumber(raw: string): boolean {
  return /^[0-9]+(\.[0-9]+)?$/.test(raw);
}

function within(value: number, min: number, max: number): Parsed<number> {
  if (value >= min && value <= max) return parsed(value);
  return mismatch(Number.isNaN(value) ? {} : { isOutOfRange: true });
}

/** The amount in whole base units, or NaN. It is computed in whole numbers, so that `1.001 seconds` is exactly 1001 ms. */
function amount(raw: string, units: Readonly<Record<string, number>>): number {
  const match = /^([0-9]{1,15})(?:\.([0-9]{1,9}))? ?([a-z]+)$/i.exec(raw);
  if (match === null) return Number.NaN;
  const [, whole, fraction = '', unit] = match as unknown as [string, string, string | undefined, string];
  const name = unit.toLowerCase();
  // Words have a plural, symbols have none.
  const factor = own(units, name) ?? (/^.{3,}s$/.test(name) ? own(units, name.slice(0, -1)) : undefined);
  if (factor === undefined) return Number.NaN;
  const divisor = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  return scaled % divisor === 0n ? Number(scaled / divisor) : Number.NaN;
}

function own(units: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(units, name) ? units[name] : undefined;
}
