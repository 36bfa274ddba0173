/**
 * How much memory groups take, estimated. V8 tells no object's size, so these are averages that were measured over 100,000
 * groups of several shapes on 64-bit V8 13, with the maps that find them; test/operators/aggregate/state-bytes.test.ts measures again.
 */
import type { GroupCell } from '../../contracts/batch.ts';

/** A group with its place in the map, its two arrays of slots and nothing in them. */
export const GROUP_BYTES = 320;
/** A key of sessions, and a session of it. */
export const SESSION_KEY_BYTES = 150;
export const SESSION_BYTES = 170;
/** A cell of a key: its share of the array, and the steps by which rows find the group. */
const KEY_CELL_BYTES = 90;
/** A slot, in the committed array and in that of the current batch. */
export const SLOT_BYTES = 16;
/** A number that is not a small integer. */
export const NUMBER_BYTES = 16;
/** An array of bytes beside the bytes. */
export const BYTES_OVERHEAD = 280;

const TEXT_OVERHEAD = 16;

/** A text in memory: one byte a character where all are Latin-1, two otherwise. */
export function textBytes(text: string): number {
  return TEXT_OVERHEAD + text.length * (isLatin1(text) ? 1 : 2);
}

function isLatin1(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}

/** A key's cells, and the text by which its group is found. */
export function keyBytes(key: readonly GroupCell[], name: string): number {
  let bytes = textBytes(name);
  for (const cell of key) bytes += KEY_CELL_BYTES + (typeof cell === 'string' ? textBytes(cell) : 0);
  return bytes;
}
