/**
 * The chained checksum of the embedded log: each batch has a value that covers itself and every batch before it in its
 * partition. Two logs with the same value at the same offset hold the same records up to there.
 */
import { hash, randomBytes } from 'node:crypto';
import type { HistoryMark } from '../contracts/log.ts';
import type { BatchRow } from './embedded-statements.ts';

/** 128 bits: no two histories have the same value by accident. */
export const CHAIN_BYTES = 16;
const GENERATION_BYTES = 16;
const NO_CHAIN = new Uint8Array(CHAIN_BYTES);

const block = Buffer.alloc(CHAIN_BYTES + GENERATION_BYTES + 16);

/** Names what one connection appends. It is part of the chain, so equal records of two connections have two values. */
export function newGeneration(): Uint8Array {
  return randomBytes(GENERATION_BYTES);
}

/** @param before the chain's value after the batch before; null at the beginning of a chain */
export function chainAfter(
  before: Uint8Array | null,
  generation: Uint8Array,
  batch: { readonly checksum: number; readonly baseOffset: number; readonly count: number },
): Uint8Array {
  block.set(before ?? NO_CHAIN, 0);
  block.set(generation, CHAIN_BYTES);
  let at = CHAIN_BYTES + GENERATION_BYTES;
  at = block.writeUInt32LE(batch.checksum, at);
  at = block.writeDoubleLE(batch.baseOffset, at);
  block.writeUInt32LE(batch.count, at);
  return hash('sha256', block, 'buffer').subarray(0, CHAIN_BYTES);
}

export function markOf({ base_offset, count, checksum, chain }: Omit<BatchRow, 'body'>): HistoryMark {
  return {
    baseOffset: base_offset,
    nextOffset: base_offset + count,
    checksum,
    leaderEpoch: null,
    chain: chain === null ? null : Buffer.from(chain).toString('hex'),
  };
}
