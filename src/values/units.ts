import { mismatch, parsed, type Parsed, type ValueType } from './values.ts';

/** Nanoseconds of each unit. */
const NS: Readonly<Record<string, bigint>> = {
  us: 1000n,
  microsecond: 1000n,
  ms: 1_000_000n,
  millisecond: 1_000_000n,
  s: 1_000_000_000n,
  second: 1_000_000_000n,
  m: 60_000_000_000n,
  min: 60_000_000_000n,
  minute: 60_000_000_000n,
  h: 3_600_000_000_000n,
  hour: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  day: 86_400_000_000_000n,
  week: 604_800_000_000_000n,
};
const NS_PER_MS = 1_000_000n;

const BYTES: Readonly<Record<string, bigint>> = {
  b: 1n,
  byte: 1n,
  kb: 10n ** 3n,
  mb: 10n ** 6n,
  gb: 10n ** 9n,
  tb: 10n ** 12n,
  kib: 2n ** 10n,
  mib: 2n ** 20n,
  gib: 2n ** 30n,
  tib: 2n ** 40n,
};

/** A length of time, in whole milliseconds; {@link readNanoseconds} has the grammar. */
export function duration(min: string, max: string): ValueType<number> {
  const [minMs, maxMs] = [readDurationMs(min), readDurationMs(max)];
  return {
    kind: 'duration',
    expected: `a duration from ${min} to ${max}`,
    parse: (raw) => {
      if (isBareNumber(raw)) {
        return mismatch({ note: 'A duration needs its unit: ms, seconds, minutes, hours, days or weeks.' });
      }
      return within(readDurationMs(raw), minMs, maxMs);
    },
  };
}

/** A size: `64 MiB` (1024 × 1024), `64 MB` (1000 × 1000), or a plain number of bytes. */
export function bytes(min: string, max: string): ValueType<number> {
  const [minBytes, maxBytes] = [readBytes(min), readBytes(max)];
  return {
    kind: 'bytes',
    expected: `a size from ${min} to ${max}`,
    parse: (raw) => within(readBytes(isBareNumber(raw) ? `${raw} b` : raw), minBytes, maxBytes),
  };
}

function isBareNumber(raw: string): boolean {
  return /^[0-9]+(\.[0-9]+)?$/.test(raw);
}

function within(value: number, min: number, max: number): Parsed<number> {
  if (value >= min && value <= max) return parsed(value);
  return mismatch(Number.isNaN(value) ? {} : { isOutOfRange: true });
}

/** Milliseconds of a duration; NaN if the text is none, or not in whole milliseconds. */
export function readDurationMs(raw: string): number {
  const ns = readNanoseconds(raw);
  return ns === undefined || ns % NS_PER_MS !== 0n ? Number.NaN : Number(ns / NS_PER_MS);
}

/**
 * A duration is one amount with its unit or several, which add up: `5s`, `1.5 seconds`, `10 minutes`, `1 hour 30 minutes`,
 * `1 week`. Months and years have no fixed length. Undefined if the text is none. It is computed in whole numbers, so
 * that `1.001 seconds` is exactly 1001 ms.
 */
export function readNanoseconds(raw: string): bigint | undefined {
  let rest = raw.trim();
  let sum: bigint | undefined;
  while (rest !== '') {
    const [part] = /^-?[0-9.]+\s*[a-z]+(?:\s+|(?=[0-9])|$)/i.exec(rest) ?? [];
    const ns = part === undefined ? undefined : amount(part.trim(), NS);
    if (part === undefined || ns === undefined) return undefined;
    sum = (sum ?? 0n) + ns;
    rest = rest.slice(part.length);
  }
  return sum;
}

function readBytes(raw: string): number {
  return Number(raw.startsWith('-') ? Number.NaN : (amount(raw, BYTES) ?? Number.NaN));
}

/** The amount in whole base units; undefined if it is none. */
function amount(raw: string, units: Readonly<Record<string, bigint>>): bigint | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?\s*([a-z]+)$/i.exec(raw);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', unit = ''] = match;
  const name = unit.toLowerCase();
  // Words have a plural, symbols have none.
  const factor = own(units, name) ?? (/^.{3,}s$/.test(name) ? own(units, name.slice(0, -1)) : undefined);
  if (factor === undefined) return undefined;
  const divisor = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * factor;
  if (scaled % divisor !== 0n) return undefined;
  return sign === '-' ? -scaled / divisor : scaled / divisor;
}

function own(units: Readonly<Record<string, bigint>>, name: string): bigint | undefined {
  return Object.hasOwn(units, name) ? units[name] : undefined;
}
