import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { formatScaled } from '../../../src/columns/values/decimal.ts';
import { formatDay } from '../../../src/columns/values/timestamp.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { toDdl } from '../../../src/columns/schema/ddl.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { compileExpression } from '../../../src/operators/expression/compile.ts';
import { typeOf } from '../../../src/plan/expression/analyze.ts';
import type { Expr } from '../../../src/plan/expression/expr.ts';
import { toSql } from '../../../src/plan/expression/sql.ts';
import { explainExpr } from '../../../src/plan/expression/text.ts';
import { typeText } from '../../../src/plan/expression/value-type.ts';
import { ALONE, OVER_ROWS } from './spark/cases.ts';
import { decodedRows, ROWS, SCHEMA } from './spark/rows.ts';

/** What Spark 4.0.0 answered, by the SQL that it was asked: `spark/ask.py` says how to ask again. */
interface Answer {
  readonly type: string;
  /** Canonical text, null, or the class of the error that the row ended with. */
  readonly values: readonly (string | null | { readonly error: string })[];
}

const ANSWERS = new URL('spark/answers.json', import.meta.url);

// Set, it is where the questions go instead.
const questionsFile = process.env['SPARK_QUESTIONS_FILE'];
if (questionsFile !== undefined) {
  const overRows = OVER_ROWS.map((expression) => toSql(expression, SCHEMA));
  const alone = ALONE.map((expression) => toSql(expression, SCHEMA));
  writeFileSync(questionsFile, JSON.stringify({ ddl: toDdl(SCHEMA), rows: ROWS, overRows, alone }));
}

const answers = JSON.parse(readFileSync(ANSWERS, 'utf8')) as Record<string, Answer>;
const batch = decodedRows();
const UTC = TimeZone.of('UTC');

/** A value as `ask.py` writes Spark's. */
function text(expression: Expr, row: number): Answer['values'][number] {
  const evaluator = compileExpression(expression, batch, UTC);
  try {
    const value = evaluator.at(row);
    if (value === undefined) return null;
    if (evaluator.kind === 'decimal' || evaluator.kind === 'long')
      return formatScaled(value as number | bigint, evaluator.scale);
    return evaluator.kind === 'date' ? formatDay(value as number) : `${value as string | number | boolean}`;
  } catch (error) {
    if (error instanceof TallystreamError && error.code === 'EXPRESSION_FAILED')
      return { error: error.message };
    throw error;
  }
}

function assertAsSpark(expression: Expr, rows: number): void {
  const sql = toSql(expression, SCHEMA);
  const answer = answers[sql];
  assert.ok(answer !== undefined, `Spark was not asked about ${sql}`);
  assert.equal(typeText(typeOf(expression, SCHEMA)), answer.type, sql);
  for (let row = 0; row < rows; row += 1) {
    const ours = text(expression, row);
    const theirs: Answer['values'][number] | undefined = answer.values[row];
    const message: string = `${sql}, row ${row}: ${JSON.stringify(ours)}, and Spark ${JSON.stringify(theirs)}`;
    if (typeof theirs === 'object' && theirs !== null) {
      assert.ok(typeof ours === 'object' && ours !== null, message);
    } else if (answer.type === 'double' && typeof theirs === 'string') {
      // Spark goes on with an infinity, which no column here holds.
      if (Number.isFinite(Number(theirs))) assert.equal(Number(ours), Number(theirs) + 0, message);
      else assert.ok(typeof ours === 'object' && ours !== null, message);
    } else assert.equal(ours, theirs, message);
  }
}

describe('gives the type and the values that Spark 4 gave for the same SQL', () => {
  for (const expression of OVER_ROWS)
    test(explainExpr(expression), () => assertAsSpark(expression, ROWS.length));
  test(`${ALONE.length} calculations with decimals by chance`, () => {
    for (const expression of ALONE) assertAsSpark(expression, 1);
  });
});
