/**
 * Tables with `+---+` borders, as Spark's `show` prints them. Cells are event text: each is escaped for the terminal,
 * bounded to {@link CELL_WIDTH_MAX} columns, and padded by the columns that a terminal shows it in.
 */
import { escapeForTerminal } from '../columns/escape.ts';

/**
 * The widest a cell may be, in terminal columns; a longer one ends in `...`. Spark's `show` cuts at 20 characters, too
 * few for the ids here; 64 leaves a UUID and a SHA-256 in hexadecimal whole, and every decimal (at most 40 characters).
 */
export const CELL_WIDTH_MAX = 64;

/** Narrower columns are widened to this, as by Spark. */
const COLUMN_WIDTH_MIN = 3;

/** Marks that take no column could go on for ever in one cell: it has at most this many code points. */
const CELL_CODE_POINTS_MAX = CELL_WIDTH_MAX * 4;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** `left` is Spark's `show(truncate = false)`, `right` its default. */
  readonly align: 'left' | 'right';
}

/** The table's lines, each ended by a line feed. A table without rows has its header. */
export function renderTable(table: Table): string {
  const header = table.columns.map(fitCell);
  const rows = table.rows.map((row) => row.map(fitCell));
  const widths = header.map((cell) => Math.max(COLUMN_WIDTH_MIN, displayWidth(cell)));
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] as number, displayWidth(cell))));
  }
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell, column) => pad(cell, widths[column] as number, table.align)).join('|')}|\n`;
  const border = `+${widths.map((width) => '-'.repeat(width)).join('+')}+\n`;
  return [border, line(header), border, ...rows.map(line), border].join('');
}

/** Escapes a text for the terminal and shortens it to {@link CELL_WIDTH_MAX} columns. */
export function fitCell(text: string): string {
  // Only so much of a megabyte can be seen. A code point has at most two units, so this is always one too many.
  const head = text.slice(0, (CELL_CODE_POINTS_MAX + 1) * 2);
  const escaped = [...escapeForTerminal(head)];
  let width = 0;
  let fits = 0;
  for (const [index, character] of escaped.entries()) {
    width += characterWidth(character);
    if (width <= CELL_WIDTH_MAX - 3 && index < CELL_CODE_POINTS_MAX - 3) fits = index + 1;
    if (width > CELL_WIDTH_MAX || index >= CELL_CODE_POINTS_MAX)
      return `${escaped.slice(0, fits).join('')}...`;
  }
  return escaped.join('');
}

/** How many columns a terminal shows the text in. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

const PRINTABLE_ASCII = /^[ -~]$/;
/** Marks that sit on the character before them, and the vowels and finals of a Hangul syllable written in parts. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
/**
 * East Asian Wide and Fullwidth (Unicode Standard Annex 11, by block, since regular expressions do not know the
 * property), and characters that are emoji by default. A flag is two regional indicators of one column each.
 */
const WIDE =
  /^(?:[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation})$/u;

function characterWidth(character: string): 0 | 1 | 2 {
  if (PRINTABLE_ASCII.test(character)) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function pad(cell: string, width: number, align: Table['align']): string {
  const spaces = ' '.repeat(width - displayWidth(cell));
  return align === 'left' ? cell + spaces : spaces + cell;
}
