/** Programs that are wrong, each with what the compiler tells the one who writes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const PRELUDE = `
import {
  approxCountDistinct, avg, count, createSession, desc, optional, required, schema, size, sum, types, upper, when, window,
  type RowOf,
} from 'tallystream';
const ORDERS = schema([
  required('id', types.string(), ''),
  required('at', types.timestamp(), ''),
  required('amount', types.decimal(18, 2), ''),
  optional('pieces', types.int(), ''),
  optional('weight', types.double(), ''),
  optional('isNew', types.boolean(), ''),
  optional('tags', types.array(types.string()), ''),
  optional('place', types.struct([optional('city', types.string(), '')]), ''),
]);
const ROW = { id: '', at: '', amount: '1.00', pieces: null, weight: null, isNew: null, tags: null, place: { city: null } };
const session = createSession();
const memory = session.memoryStream(ORDERS);
const orders = session.readStream.format('memory', memory).load(ORDERS);
const counts = orders.groupBy('id').agg({ n: count() });
export const right = [
  session.readStream.format('kafka').options({ subscribe: 'x', 'kafka.acks': 'all', 'kafka.linger.ms': 5, partitions: '4' }),
  session.readStream.format('rate').option('rampUpTime', '5s').option('rowsPerSecond', 10),
  orders.writeStream.option('idleTimeout', '1 hour 30 minutes').option('stateBytesMax', '64 MiB').option('workers', 'auto'),
  orders.writeStream.format('console', { truncate: false, numRows: '5' }).format('file', { path: 'out', fileFormat: 'parquet' }),
  memory.addData([ROW]), avg, approxCountDistinct, desc, size, sum, upper, when, window, counts, ({} as RowOf<typeof ORDERS>).id,
  orders.groupBy(({ id, at }) => [upper(id).alias('name'), window(at, '1 hour'), 'pieces']),
  orders.validate([{ kind: 'notAhead', field: 'at', toleranceMs: 0 }, { kind: 'between', field: 'amount', min: '0.00', max: null }]),
];
export const wrong = [
`;

/** A wrong expression, and a part of the message. */
const WRONG: readonly (readonly [program: string, says: string])[] = [
  ["orders.filter(({ amuont }) => amuont.gt('1.00'))", "Property 'amuont' does not exist on type"],
  ['orders.filter(({ pieces }) => pieces.plus(1))', `Type '"int"' is not assignable to type '"boolean"'`],
  [
    'orders.filter(({ id }) => id.gt(3))',
    `Argument of type 'number' is not assignable to parameter of type 'string | Expr<"string">'`,
  ],
  [
    'orders.filter(({ isNew, id }) => isNew.and(id))',
    `Type '"string"' is not assignable to type '"boolean"'`,
  ],
  ["orders.withColumn('x', ({ id }) => id.times(2))", "Property 'times' does not exist on type 'TextExpr'"],
  [
    "orders.withColumn('x', ({ amount, weight }) => amount.plus(weight))",
    `Type '"double"' is not assignable to type 'ExactKind'`,
  ],
  [
    "orders.withColumn('x', ({ pieces }) => upper(pieces))",
    `Type '"int"' is not assignable to type '"string"'`,
  ],
  ["orders.withColumn('x', ({ id }) => size(id))", `Type '"string"' is not assignable to type '"array"'`],
  [
    "orders.withColumn('x', ({ isNew, amount }) => when(isNew, amount).otherwise('none'))",
    `Argument of type '"none"' is not assignable to parameter of type 'number | bigint | Expr<ExactKind>`,
  ],
  [
    "orders.select('id', 'amuont')",
    `'"amuont"' is not assignable to parameter of type '"amount" | "at" | "id" `,
  ],
  ["orders.withWatermark('id', '1 hour')", `'"id"' is not assignable to parameter of type '"at"'`],
  [
    "orders.dropDuplicatesWithinWatermark('ident')",
    `'"ident"' is not assignable to parameter of type '"amount" | "at" | "id" `,
  ],
  ["orders.groupBy('shop')", 'No overload matches this call'],
  [
    'orders.groupBy(({ id }) => [upper(id)]).agg({ n: count() })',
    "A key needs a name: give the expression one with .alias('…')",
  ],
  [
    "orders.writeStream.foreachBatch((batch) => void batch.groupBy(({ id }) => ['at', upper(id)]).agg({ n: count() }))",
    "A key needs a name: give the expression one with .alias('…')",
  ],
  [
    "orders.validate([{ kind: 'characters', field: 'ident', min: 1, max: 9 }])",
    `Type '"ident"' is not assignable to type '"id" | "place.city"'`,
  ],
  [
    "orders.validate([{ kind: 'between', field: 'id', min: '0', max: null }])",
    `Type '"id"' is not assignable to type '"amount" | "pieces"'`,
  ],
  [
    "orders.groupBy(({ pieces }) => [window(pieces, '1 hour')])",
    `Type '"int"' is not assignable to type '"timestamp"'`,
  ],
  [
    "orders.groupBy('id').agg({ total: sum('id') })",
    `not assignable to type '"sum needs a number, but id is string"'`,
  ],
  [
    "orders.groupBy('id').agg({ total: avg('amuont') })",
    `not assignable to type '"there is no column amuont"'`,
  ],
  ["orders.groupBy('id').agg({ n: approxCountDistinct() })", 'Expected 1-2 arguments, but got 0'],
  [
    "orders.groupBy('id').agg({ n: count() }).filter('n > 1')",
    `'"After an aggregation, do this in foreachBatch((batch) => …)`,
  ],
  [
    "counts.writeStream.foreachBatch((batch) => void batch.select('m'))",
    `Argument of type '"m"' is not assignable to parameter of type 'Selection<`,
  ],
  [
    'counts.writeStream.foreachBatch((batch) => void batch.first()?.n.toFixed(2))',
    "Property 'toFixed' does not exist on type 'bigint'",
  ],
  [
    'orders.writeStream.foreachBatch((batch) => { const total: number = batch.first()!.amount; void total; })',
    "Type 'string' is not assignable to type 'number'",
  ],
  [
    "orders.writeStream.foreachBatch((batch) => void batch.orderBy(desc('tags')))",
    `Type '"tags"' is not assignable to type '"amount" | "at" | "id" `,
  ],
  [
    "orders.writeStream.outputMode('upsert')",
    `Argument of type '"upsert"' is not assignable to parameter of type 'OutputMode'`,
  ],
  ['orders.writeStream.trigger({ processingTime: 10 })', "Type 'number' is not assignable to type 'string'"],
  ['memory.addData([{ ...ROW, amount: 1 }])', "Type 'number' is not assignable to type 'string'"],
  [
    '(row: RowOf<typeof ORDERS>): string => row.place.city',
    "Type 'string | null' is not assignable to type 'string'",
  ],
  [
    "session.readStream.format('socket')",
    `'"socket"' is not assignable to parameter of type '"embedded" | "file" | "kafka" | "rate"'`,
  ],
  ["session.readStream.format('rate').option('rowPerSecond', 1)", `Argument of type '"rowPerSecond"'`],
  ["session.readStream.format('rate').option('rowsPerSecond', 'many')", `Argument of type '"many"'`],
  ["session.readStream.format('file').options({ pth: 'in' })", "'pth' does not exist in type"],
  ["session.readStream.format('embedded').options({ 'kafka.acks': 'all' })", "'kafka.acks'' does not exist"],
  ["orders.writeStream.option('checkpoint', 'x')", `Argument of type '"checkpoint"'`],
  ["orders.writeStream.option('idleTimeout', 5)", "Argument of type '5'"],
  ["orders.writeStream.option('takeOver', 'yes')", `Argument of type '"yes"'`],
  ["orders.writeStream.format('file', { pth: 'out' })", "'pth' does not exist in type"],
  ["orders.writeStream.format('table', { path: 5 })", "Type 'number' is not assignable to type 'string'"],
  ["orders.writeStream.format('tabel')", `Argument of type '"tabel"'`],
  [
    'types.array(types.struct([]))',
    "Argument of type 'StructType<readonly []>' is not assignable to parameter of type 'PrimitiveType'",
  ],
];

/** What the compiler says of each line of the program, by the line's number from 1. */
function messagesOf(program: string): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-types-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'program.ts'), program);
    const compilerOptions = { typeRoots: [join(ROOT, 'node_modules', '@types')] };
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions,
      include: ['program.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    const messages = new Map<number, string>();
    for (const part of stdout.split(/^(?=\S)/m)) {
      const [, line, message] = /program\.ts\((\d+),\d+\): error TS\d+: ([^]*)/.exec(part) ?? [];
      assert.ok(line !== undefined && message !== undefined, part);
      messages.set(Number(line), (messages.get(Number(line)) ?? '') + message);
    }
    return messages;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test(`${WRONG.length} wrong programs do not compile, and each is told why`, () => {
  const first = PRELUDE.split('\n').length;
  const messages = messagesOf(`${PRELUDE}${WRONG.map(([program]) => `  ${program},\n`).join('')}];\n`);
  for (const [at, [program, says]] of WRONG.entries()) {
    const said = messages.get(first + at);
    assert.ok(said?.includes(says), `${program}\n${said ?? 'compiles'}`);
  }
  // What is right in it compiles.
  assert.equal(messages.size, WRONG.length, [...messages].join('\n'));
});
