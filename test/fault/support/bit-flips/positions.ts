/** Where the bits of SQLite's files are flipped: every 64th byte, and every byte of what says where rows are. */

/** Every so many bytes, outside of headers. */
const STEP_BYTES = 64;
// https://www.sqlite.org/fileformat.html
const FILE_HEADER_BYTES = 100;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Types of b-tree pages: those of an interior page have a header of 12 bytes, and those of a leaf one of 8. */
const INTERIOR_TYPES: ReadonlySet<number> = new Set([2, 5]);
const LEAF_TYPES: ReadonlySet<number> = new Set([10, 13]);
/** The pointer with which an overflow page, or one of the list of free pages, begins. */
const POINTER_BYTES = 4;

/** Of a small file that is no database, such as a position, every byte counts. */
export function positionsOf(name: string, bytes: Uint8Array): number[] {
  if (!/\.db(-wal)?$/.test(name)) return Array.from(bytes.keys());
  const marked = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += STEP_BYTES) marked[at] = 1;
  if (name.endsWith('-wal')) markWal(bytes, marked);
  else markDatabase(bytes, marked);
  return Array.from(marked.keys()).filter((at) => marked[at] === 1);
}

function markDatabase(bytes: Uint8Array, marked: Uint8Array): void {
  if (bytes.length < FILE_HEADER_BYTES) return;
  const pageBytes = pageBytesOf(u16(bytes, 16));
  marked.fill(1, 0, FILE_HEADER_BYTES);
  for (let page = 0; page < bytes.length; page += pageBytes) markPage(bytes, marked, page, page === 0);
}

function markWal(bytes: Uint8Array, marked: Uint8Array): void {
  if (bytes.length < WAL_HEADER_BYTES) return;
  const pageBytes = (u16(bytes, 8) << 16) | u16(bytes, 10);
  marked.fill(1, 0, WAL_HEADER_BYTES);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  for (let frame = WAL_HEADER_BYTES; frame + frameBytes <= bytes.length; frame += frameBytes) {
    marked.fill(1, frame, frame + FRAME_HEADER_BYTES);
    const pageNumber = u16(bytes, frame) * 65_536 + u16(bytes, frame + 2);
    markPage(bytes, marked, frame + FRAME_HEADER_BYTES, pageNumber === 1);
  }
}

function markPage(bytes: Uint8Array, marked: Uint8Array, page: number, isFirst: boolean): void {
  const header = isFirst ? page + FILE_HEADER_BYTES : page;
  if (isFirst) marked.fill(1, page, header);
  const type = bytes[header] as number;
  const headerBytes = INTERIOR_TYPES.has(type) ? 12 : LEAF_TYPES.has(type) ? 8 : 0;
  const end = headerBytes === 0 ? header + POINTER_BYTES : header + headerBytes + 2 * u16(bytes, header + 3);
  marked.fill(1, header, Math.min(end, marked.length));
}

/** 1 stands for 65,536, which two bytes do not hold. */
function pageBytesOf(stored: number): number {
  return stored === 1 ? 65_536 : Math.max(512, stored);
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}
