// Tables of docs/performance.md, made from bench/results so that no figure is typed by hand.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIGURES } from './figures.js';

/**
 * @typedef {Readonly<Record<string, number>>} Row
 * @typedef {object} Result
 * @property {string} question
 * @property {string} unit
 * @property {Readonly<Record<string, string | number>>} machine
 * @property {Readonly<Record<string, Row>>} rows
 */

/** `<!-- result NAME -->` up to `<!-- end -->`; the name `figures` is the table of what was asked for. */
const MARKED = /(<!-- result ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g;
const NOT_YET = 'not measured yet';

/**
 * @param {string} page
 * @param {string} folder of the results
 * @returns {string} the page with its tables made anew
 */
export function withTables(page, folder) {
  return page.replace(MARKED, (_, start, name, end) => {
    const lines = name === 'figures' ? figuresTable(folder) : resultTable(name, folder);
    return `${start}\n${lines.join('\n')}\n\n${end}`;
  });
}

/** @param {string} name @param {string} folder @returns {Result | undefined} */
function resultOf(name, folder) {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** @param {string} name @param {string} folder */
function resultTable(name, folder) {
  const result = resultOf(name, folder);
  if (result === undefined) return [`_${name}: ${NOT_YET}._`];
  const { question, unit, machine, rows } = result;
  const [of = '', columns = ''] = unit.split(': ');
  const names = columns.split(', ');
  return [
    `**${question}**, ${of} (${machineOf(machine)}):`,
    '',
    `| | ${names.join(' | ')} |`,
    `| --- | ${names.map(() => '---:').join(' | ')} |`,
    ...Object.entries(rows).map(
      ([row, values]) => `| ${row} | ${Object.values(values).map(short).join(' | ')} |`,
    ),
  ];
}

/** @param {Result['machine']} machine */
function machineOf(machine) {
  const { date, cpu, cores, memoryGiB, ...versions } = machine;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`${String(cpu)}, ${String(cores)} cores, ${String(memoryGiB)} GiB`, ...named, String(date)].join(
    '; ',
  );
}

/** @param {string} folder */
function figuresTable(folder) {
  return [
    '| figure | at least | measured (median) | from |',
    '| --- | --- | --- | --- |',
    ...FIGURES.map((figure) => {
      const { what, atLeast, result } = figure;
      return `| ${what} | ${atLeast} | ${measured(figure, folder)} | \`${result}.json\` |`;
    }),
  ];
}

/** @param {import('./figures.js').Figure} figure @param {string} folder */
function measured({ result, row, columns, times = 1, unit }, folder) {
  const values = resultOf(result, folder)?.rows[row];
  if (values === undefined) return NOT_YET;
  return `${columns.map((column) => short((values[column] ?? NaN) * times)).join(' / ')} ${unit}`;
}

/** Three digits say what a measurement can. @param {number} value */
function short(value) {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
