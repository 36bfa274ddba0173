/** What a frame shows to people. */
import { showRows } from '../../columns/format/show-rows.ts';
import { TallystreamError } from '../../errors.ts';
import { rowAt, type FrameParts } from './parts.ts';

/** @throws TallystreamError `USAGE` for a number of rows or a width that is none; see {@link showRows} */
export function shown(parts: FrameParts, rowsMax: number, truncate: boolean | number): string {
  checkCount(rowsMax, 'show');
  if (typeof truncate === 'number') checkCount(truncate, 'show');
  const { batch, count, context } = parts;
  const rows = { batch, count, rowAt: (place: number) => rowAt(parts, place) };
  return showRows(rows, { rowsMax, truncate, zone: context.zone });
}

/** @throws TallystreamError `USAGE` unless `count` is a whole number from 0 on */
export function checkCount(count: number, where: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new TallystreamError('USAGE', {
    what: `${where}(${count}): that is not a number of rows or characters.`,
    hint: 'Give a whole number, 0 or more.',
  });
}
