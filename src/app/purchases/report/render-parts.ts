/** The parts of every text for people: headings between rules, the accounting, the footer. */
import { formatGrouped, parseDecimal } from '../../../columns/values/decimal.ts';
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import type { Accounting } from '../../../contracts/batch.ts';
import { MONEY_DECIMALS } from '../currencies.ts';

const RULE = `${'='.repeat(80)}\n`;

/** Sections of lines with rules of 80 `=` before, between and after them; every line is ended by a line feed. */
export function betweenRules(...sections: readonly (readonly string[])[]): string {
  return RULE + sections.map((lines) => lines.map((line) => `${line}\n`).join('') + RULE).join('');
}

/** Label and value in two columns; values, such as a path or a name, are escaped for the terminal. */
export function labelled(entries: readonly (readonly [label: string, value: string])[]): readonly string[] {
  const width = Math.max(...entries.map(([label]) => label.length)) + 2;
  return entries.map(([label, value]) => `${`${label}:`.padEnd(width)}${escapeForTerminal(value)}`);
}

export function accountingLine({ read, accepted, invalid, duplicate, late }: Accounting): string {
  const parts = `${accepted} accepted + ${invalid} invalid + ${duplicate} duplicate + ${late} late`;
  return `ACCOUNTING: ${read} read = ${parts}\n`;
}

/** One line per currency, between rules; a state without any purchase has $0.00. */
export function runningTotalFooter(totals: readonly { currency: string; total: string }[]): string {
  const shown = totals.length > 0 ? totals : [{ currency: 'USD', total: '0.00' }];
  return betweenRules(shown.map(({ currency, total }) => `RUNNING TOTAL: ${money(currency, total)}`));
}

/** Tables and footers show currencies only if there is another one than this. */
export function isForeign({ currency }: { readonly currency: string }): boolean {
  return currency !== 'USD';
}

/** `$24,134.15`, or `EUR 1,234.50` in any other currency. */
function money(currency: string, total: string): string {
  const amount = formatGrouped(parseDecimal(total, MONEY_DECIMALS), MONEY_DECIMALS);
  return currency === 'USD' ? `$${amount}` : `${escapeForTerminal(currency)} ${amount}`;
}
