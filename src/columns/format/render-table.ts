/**
 * Tables with `+---+` borders, as Spark's `show` prints them. Cells are event text: each is escaped for the terminal,
 * bounded to a width, and padded by the columns that a terminal shows it in.
 */
import { escapeForTerminal } from './escape.ts';

/**
 * The widest a cell of a report may be, in terminal columns; a longer one ends in `...`. Spark's `show` cuts at 20 characters, too
 * few for the ids here; 64 leaves a UUID and a SHA-256 in hexadecimal whole, and every decimal (at most 40 characters).
 */
export const CELL_WIDTH_MAX = 64;

/** Narrower columns are widened to this, as by Spark. */
const COLUMN_WIDTH_MIN = 3;

/** Marks that take no column could continue forever in one cell: it has at most this many code points a column. */
const CODE_POINTS_PER_COLUMN_MAX = 4;

const DOTS = '...';

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** `left` is Spark's `show(truncate = false)`, `right` its default. */
  readonly align: 'left' | 'right';
  /**
   * The widest a cell may be; {@link CELL_WIDTH_MAX} if left out, Infinity for cells that are never cut. Names
   * of columns have that width at least.
   */
  readonly cellWidthMax?: number;
}

/** The table's lines, each ended by a line feed. A table without rows has its header. */
export function renderTable(table: Table): string {
  const { cellWidthMax = CELL_WIDTH_MAX } = table;
  const header = table.columns.map((name) => fitCell(name, Math.max(cellWidthMax, CELL_WIDTH_MAX)));
  const rows = table.rows.map((row) => row.map((text) => fitCell(text, cellWidthMax)));
  const widths = header.map((cell) => Math.max(COLUMN_WIDTH_MIN, displayWidth(cell)));
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] as number, displayWidth(cell))));
  }
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell, column) => pad(cell, widths[column] as number, table.align)).join('|')}|\n`;
  const border = `+${widths.map((width) => '-'.repeat(width)).join('+')}+\n`;
  return [border, line(header), border, ...rows.map(line), border].join('');
}

/**
 * Escapes a text for the terminal and shortens it to this many columns: the last three are dots, if there are more than
 * three (as Spark cuts).
 */
export function fitCell(text: string, widthMax = CELL_WIDTH_MAX): string {
  const codePointsMax = widthMax * CODE_POINTS_PER_COLUMN_MAX;
  const dots = widthMax > DOTS.length ? DOTS : '';
  // Only so much of a megabyte can be seen. A code point has at most two units, so this is always one too many.
  const head = text.slice(0, (codePointsMax + 1) * 2);
  const escaped = [...escapeForTerminal(head)];
  let width = 0;
  let fits = 0;
  for (const [index, character] of escaped.entries()) {
    width += characterWidth(character);
    if (width <= widthMax - dots.length && index < codePointsMax - dots.length) fits = index + 1;
    if (width > widthMax || index >= codePointsMax) return `${escaped.slice(0, fits).join('')}${dots}`;
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
