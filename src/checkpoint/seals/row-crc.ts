/** The checksum of a row: equal for the cells that are written and for those that SQLite returns. */
import { crc32 } from 'node:zlib';
import type { SQLInputValue } from 'node:sqlite';

/**
 * CRC-32 of `cells[from, end)`, each with its kind, so that a number instead of its text, or swapped cells, change it. SQLite
 * stores NaN as null, and writes U+FFFD for half a surrogate pair, as CRC-32 does here.
 */
export function crcOfCells(cells: readonly SQLInputValue[], end = cells.length, from = 0): number {
  let text = '';
  for (let at = from; at < end; at += 1) {
    const cell = cells[at] as SQLInputValue;
    if (typeof cell === 'string') text += cell + '\u0001';
    else if (cell === null || Number.isNaN(cell)) text += '\u0002';
    else text += String(ArrayBuffer.isView(cell) ? crc32(cell) : cell) + '\u0003';
  }
  return crc32(text);
}
