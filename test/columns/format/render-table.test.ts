import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CELL_WIDTH_MAX,
  displayWidth,
  fitCell,
  renderTable,
} from '../../../src/columns/format/render-table.ts';

test("pads on the right as Spark's show(truncate = false) does, to at least three columns", () => {
  const table = renderTable({ columns: ['a', 'name'], rows: [['1', 'x'], ['22', 'longer']], align: 'left' }); // prettier-ignore
  assert.equal(table, ['+---+------+', '|a  |name  |', '+---+------+', '|1  |x     |', '|22 |longer|', '+---+------+', ''].join('\n')); // prettier-ignore
});

test("pads on the left as Spark's show does", () => {
  const table = renderTable({ columns: ['a', 'name'], rows: [['1', 'x']], align: 'right' });
  assert.equal(table, '+---+----+\n|  a|name|\n+---+----+\n|  1|   x|\n+---+----+\n');
});

test('shows the header of a table without rows, as Spark does', () => {
  const table = renderTable({ columns: ['name'], rows: [], align: 'left' });
  assert.equal(table, '+----+\n|name|\n+----+\n+----+\n');
});

test('keeps columns in line where characters are wide, or take no column', () => {
  assert.equal(displayWidth('家具'), 4);
  assert.equal(displayWidth('한국'), 4);
  assert.equal(displayWidth('ＡＢ'), 4);
  assert.equal(displayWidth('📚'), 2);
  assert.equal(displayWidth('🇩🇪'), 2);
  assert.equal(displayWidth('e\u0301te\u0301'), 3);
  assert.equal(displayWidth('กำ'), 2);
  assert.equal(displayWidth('Möbel – für'), 11);
});

test('shows characters that act on a terminal as visible escapes', () => {
  assert.equal(fitCell('a\u001b[31m\nb'), 'a\\u{1b}[31m\\u{a}b');
  assert.equal(fitCell('\u202eevil\u2066'), '\\u{202e}evil\\u{2066}');
});

test('shortens what is wider than a cell, and leaves what fits', () => {
  const whole = 'x'.repeat(CELL_WIDTH_MAX);
  assert.equal(fitCell(whole), whole);
  assert.equal(fitCell(`${whole}x`), `${'x'.repeat(CELL_WIDTH_MAX - 3)}...`);
  assert.equal(fitCell('家'.repeat(CELL_WIDTH_MAX / 2)), '家'.repeat(CELL_WIDTH_MAX / 2));
  assert.equal(fitCell('家'.repeat(1_000_000)), `${'家'.repeat((CELL_WIDTH_MAX - 4) / 2)}...`);
});

test('bounds a character with marks without end', () => {
  const shown = fitCell(`e${'\u0301'.repeat(1_000_000)}`);
  assert.ok(shown.length <= CELL_WIDTH_MAX * 4, `${shown.length} units`);
  assert.ok(shown.endsWith('...'));
  const astral = fitCell('\u{1d167}'.repeat(1000));
  assert.ok(astral.endsWith('...'), 'marks of two units are cut with a word too');
});

test('never shortens an amount: the longest decimal fits a cell', () => {
  const longest = `-${'9'.repeat(36)}.99`;
  assert.equal(fitCell(longest), longest);
});

test('keeps every line of a table equally wide, and one line a row, for any text', () => {
  const unit = fc.oneof(fc.constantFrom('\u001b', '\n', '\r', '|', '\u202e', '家', '📚', '\u0301'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })); // prettier-ignore
  const cell = fc.string({ unit, maxLength: 120 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell), { maxLength: 5 }),
      fc.constantFrom('left', 'right'),
      (rows, align) => {
        const lines = renderTable({ columns: ['one', 'two'], rows, align }).split('\n');
        assert.equal(lines.length, rows.length + 5);
        const widths = new Set(lines.slice(0, -1).map(displayWidth));
        assert.equal(widths.size, 1);
      },
    ),
    { numRuns: 300 },
  );
});

test('cuts cells where the table says so, as Spark does with the width that it is given', () => {
  const rows = [['abcdefgh']];
  const cut = (cellWidthMax: number): string | undefined =>
    renderTable({ columns: ['a'], rows, align: 'left', cellWidthMax }).split('\n')[3];
  assert.equal(cut(8), '|abcdefgh|');
  assert.equal(cut(7), '|abcd...|');
  assert.equal(cut(4), '|a...|');
  assert.equal(cut(3), '|abc|');
  assert.equal(cut(2), '|ab |');
  assert.equal(
    renderTable({ columns: ['a long name'], rows, align: 'left', cellWidthMax: 4 }).split('\n')[1],
    '|a long name|',
  );
  const long = 'x'.repeat(1000);
  assert.equal(fitCell(long, Infinity), long);
});
