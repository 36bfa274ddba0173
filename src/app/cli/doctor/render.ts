/** The doctor's output: one line per check for people, one line of JSON for programs. */
import { styleText } from 'node:util';
import { escapeForTerminal, escapeJsonLineForTerminal } from '../../../columns/format/escape.ts';
import type { CheckResult, Status } from './check.ts';

const STATUSES: readonly Status[] = ['pass', 'warn', 'fail'];
const COLOURS = { pass: 'green', warn: 'yellow', fail: 'red' } as const;
const STATUS_WIDTH = 4;
const GAP = '  ';

export interface TextStyle {
  /** Width of the column of names. */
  readonly nameWidth: number;
  readonly colour: boolean;
}

/** `pass  disk space  79 GiB free`, and below it how to fix it; paths and configuration are escaped. */
export function checkAsText(result: CheckResult, { nameWidth, colour }: TextStyle): string {
  const { status, name, found, hint } = result;
  const word = colour ? styleText(COLOURS[status], status, { validateStream: false }) : status;
  const indent = ' '.repeat(STATUS_WIDTH + GAP.length + nameWidth + GAP.length);
  const [first = '', ...rest] = linesOf(found);
  return [
    `${word}${GAP}${name.padEnd(nameWidth)}${GAP}${first}`,
    ...[...rest, ...(hint === null ? [] : linesOf(`hint: ${hint}`))].map((line) => `${indent}${line}`),
    '',
  ].join('\n');
}

/** The closing line: `10 pass, 1 warn, 0 fail`. */
export function countsAsText(results: readonly CheckResult[]): string {
  const counts = STATUSES.map(
    (status) => `${results.filter((result) => result.status === status).length} ${status}`,
  );
  return `\n${counts.join(', ')}\n`;
}

/** `{"schemaVersion":1,"ok":…,"checks":[{"name","status","found","hint","details"?}]}` as one line. */
export function checksAsJson(results: readonly CheckResult[]): string {
  const checks = results.map(({ name, status, found, hint, details }) => {
    return { name, status, found, hint, ...(details === undefined ? {} : { details }) };
  });
  const answer = JSON.stringify({ schemaVersion: 1, ok: isOk(results), checks });
  return `${escapeJsonLineForTerminal(answer)}\n`;
}

/** Warnings do not count as failures. */
export function isOk(results: readonly CheckResult[]): boolean {
  return results.every(({ status }) => status !== 'fail');
}

function linesOf(text: string): string[] {
  return text.split('\n').map(escapeForTerminal);
}
