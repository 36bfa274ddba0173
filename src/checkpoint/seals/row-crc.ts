/** The checksum of a row: the same of the cells that are written and of those that SQLite gives back. */
import { crc32 } from 'node:zlib';
import type { SQLInputValue } from 'node:sqlite';

/**
 * CRC-32 of `cells[from, end)`, each with its kind, so that neither a number for its text nor the order of two cells goes
 * unseen. SQLite stores NaN as null, and puts U+FFFD for half a surrogate pair, as CRC-32 does here.
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
