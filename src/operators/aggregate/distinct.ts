/**
 * Approximate counts of distinct values: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, 2007) with linear counting
 * for small counts. Spark's `approx_count_distinct` has the same precision for the same relative error; its estimate of
 * middle-sized counts is corrected by a table (HyperLogLog++), so the two may differ within the error.
 */
import { SipHash128 } from '../../columns/hash/siphash.ts';
import type { GroupCell } from '../../contracts/batch.ts';
import type { Accumulator, Slot } from './accumulator.ts';
import { BYTES_OVERHEAD } from './memory-estimate.ts';
import type { ValueReader } from './value-reader.ts';

const ENCODER = new TextEncoder();
const HEX_DIGITS = 2;

/** `relativeError` is the standard deviation that is asked for, such as 0.05. */
export function distinctAccumulator(
  reader: ValueReader,
  relativeError: number,
  hashKey: Uint8Array,
): Accumulator {
  const bits = Math.max(4, Math.min(16, Math.ceil(2 * Math.log2(1.106 / relativeError))));
  const hasher = new SipHash128(hashKey);
  const fresh = (): Uint8Array => new Uint8Array(2 ** bits);
  return {
    slots: 1,
    bytes: BYTES_OVERHEAD + 2 ** bits,
    clear: (target, at) => void (target[at] = undefined),
    add(target, at, row) {
      const value = reader.at(row);
      if (value === undefined) return;
      const bytes = ENCODER.encode(`${typeof value === 'string' ? 's' : 'v'}${String(reader.cell(value))}`);
      hasher.hash(bytes);
      const registers = (target[at] ??= fresh()) as Uint8Array;
      const index = (hasher.words[0] as number) >>> (32 - bits);
      const rank = Math.clz32(hasher.words[1] as number) + 1;
      if (rank > (registers[index] as number)) registers[index] = rank;
    },
    merge(target, at, later, laterAt) {
      const from = later[laterAt] as Uint8Array | undefined;
      if (from === undefined) return;
      const into = Uint8Array.from((target[at] as Uint8Array | undefined) ?? fresh());
      from.forEach((rank, index) => {
        if (rank > (into[index] as number)) into[index] = rank;
      });
      target[at] = into;
    },
    result: (slots, at) => estimate(slots[at] as Uint8Array | undefined),
    save: (slots, at) => [hexOf(slots[at])],
    load: (target, at, [cell]) => void (target[at] = bytesOf(cell)),
  };
}

function estimate(registers: Uint8Array | undefined): number {
  if (registers === undefined) return 0;
  const count = registers.length;
  let sum = 0;
  let empty = 0;
  for (const rank of registers) {
    sum += 2 ** -rank;
    if (rank === 0) empty += 1;
  }
  const raw = (alpha(count) * count * count) / sum;
  return Math.round(raw <= 2.5 * count && empty > 0 ? count * Math.log(count / empty) : raw);
}

/** The constant that corrects the bias, by the number of registers. */
function alpha(count: number): number {
  if (count === 16) return 0.673;
  if (count === 32) return 0.697;
  return count === 64 ? 0.709 : 0.7213 / (1 + 1.079 / count);
}

function hexOf(slot: Slot): GroupCell {
  if (slot === undefined) return null;
  return Array.from(slot as Uint8Array, (byte) => byte.toString(16).padStart(HEX_DIGITS, '0')).join('');
}

function bytesOf(cell: GroupCell | undefined): Uint8Array | undefined {
  if (typeof cell !== 'string') return undefined;
  return Uint8Array.from({ length: cell.length / HEX_DIGITS }, (_, index) =>
    Number.parseInt(cell.slice(index * HEX_DIGITS, (index + 1) * HEX_DIGITS), 16),
  );
}
