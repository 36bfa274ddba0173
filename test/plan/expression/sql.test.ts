import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import type { Expr } from '../../../src/plan/expression/expr.ts';
import { toSql } from '../../../src/plan/expression/sql.ts';
import { col, lit, toDate, year } from '../../../src/plan/expression/functions.ts';
import { window } from '../../../src/plan/window.ts';

// What the SQL means is asked of Spark itself: test/operators/expression/spark.test.ts.

const SCHEMA = schema([
  optional('a', types.int(), ''),
  optional('p', types.decimal(18, 2), ''),
  optional('q', types.decimal(38, 20), ''),
  optional('t', types.timestamp(), ''),
  optional('odd`name', types.struct([optional('from', types.string(), '')]), ''),
]);

const shown: readonly (readonly [Expr, string])[] = [
  [col('p').times(col('a')), '(`p` * CAST(`a` AS DECIMAL(10,0)))'],
  [col('p').times(-3), '(`p` * (-3BD))'],
  [col('p').gt('12.50').alias('more'), '(`p` > 12.50BD) AS `more`'],
  [col('p').plus(col('a').alias('x')), '(`p` + CAST(`a` AS DECIMAL(10,0)))'],
  [col('p').eq(col('q')), '(`p` = `q`)'],
  [col('q').eq(2 ** 52), '(`q` = 4503599627370496BD)'],
  [col('q').eq('0.1').and(lit(true)), '((`q` = 0.1BD) AND TRUE)'],
  [
    col('q').lt('1234567890123456789'),
    '(CAST(`q` AS DECIMAL(38,19)) < CAST(1234567890123456789BD AS DECIMAL(38,19)))',
  ],
  [col('a').dividedBy(2), '(CAST(`a` AS DOUBLE) / CAST(2 AS DOUBLE))'],
  [col('odd`name.from').eq("it's \\"), "(`odd``name`.`from` = 'it\\'s \\\\')"],
  [col('p').cast('int'), 'CAST(CAST(`p` AS BIGINT) AS INT)'],
  [col('t').lt('2025-06-26T14:00:00+02:00'), "(`t` < TIMESTAMP '2025-06-26T12:00:00.000Z')"],
  [lit(-1e-300).negate(), '(- (-1e-300D))'],
  [col('p').negate(), '(- `p`)'],
  [col('q').negate(), "CAST(replace(concat('-', CAST(`q` AS STRING)), '--', '') AS DECIMAL(38,20))"],
  [lit(null).cast('long'), 'CAST(NULL AS BIGINT)'],
];

test('writes conversions as casts, and names in backticks', () => {
  for (const [expression, sql] of shown) assert.equal(toSql(expression, SCHEMA), sql);
});

test('days go by the zone that they name, and else by that of the query', () => {
  const berlin = "from_utc_timestamp(`t`, 'Europe/Berlin')";
  assert.equal(toSql(toDate(col('t')), SCHEMA), 'CAST(`t` AS DATE)');
  assert.equal(toSql(toDate(col('t')), SCHEMA, 'Europe/Berlin'), `CAST(${berlin} AS DATE)`);
  assert.equal(toSql(year(col('t'), 'Europe/Berlin'), SCHEMA), `year(${berlin})`);
  assert.equal(toSql(col('t').cast('string'), SCHEMA, 'Europe/Berlin'), `CAST(${berlin} AS STRING)`);
  assert.equal(
    toSql(window(col('t'), '1 hour', '30 minutes'), SCHEMA, 'Europe/Berlin'),
    "window(`t`, '3600000 milliseconds', '1800000 milliseconds', '0 milliseconds')",
  );
  assert.equal(
    toSql(window(col('t'), '7 days', '1 day'), SCHEMA, 'Europe/Berlin'),
    `window(${berlin}, '604800000 milliseconds', '86400000 milliseconds', '0 milliseconds')`,
  );
});
