/**
 * The chained checksum of the embedded log: each batch has a value that covers itself and every batch before it in its
 * partition. Two logs with the same value at the same offset hold the same records up to there.
 */
import { randomBytes } from 'node:crypto';
import type { HistoryMark } from '../../contracts/log.ts';
import type { BatchRow } from './statements.ts';

/** 128 bits: no two histories have the same value by accident. */
export const CHAIN_BYTES = 16;
const GENERATION_BYTES = 16;
const NO_CHAIN = new Uint8Array(CHAIN_BYTES);

const block = Buffer.alloc(CHAIN_BYTES + GENERATION_BYTES + 16);
const words = new Uint32Array(block.buffer, block.byteOffset, block.length / 4);
/** One for each 32 bits of the value; any four that differ. */
const SEEDS = Uint32Array.of(0x9747b28c, 0x3c6ef372, 0xa54ff53a, 0x510e527f);

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
  return new Uint8Array(SEEDS.map(hashOfBlock).buffer);
}

/**
 * MurmurHash3's 32 bits of the block (https://github.com/aappleby/smhasher, MurmurHash3_x86_32). Nobody has to be kept from
 * making two equal histories, and a call of node:crypto takes as long as the rest of a small append's bookkeeping.
 */
function hashOfBlock(seed: number): number {
  let hash = seed;
  for (const word of words) {
    let mixed = Math.imul(word, 0xcc9e2d51);
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash ^= mixed;
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= block.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
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
