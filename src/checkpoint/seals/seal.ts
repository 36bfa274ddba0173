/**
 * The state of each table after a commit: the number of rows, and two sums over their checksums. A checksum in a row shows
 * that the row was changed. Only the seal shows that a row is missing, that a removed row is back, or that a page belongs to
 * another commit. A sum does not depend on order, so a commit adds what it writes and subtracts what it removes.
 */
import { crc32 } from 'node:zlib';

export interface TableSeal {
  readonly rows: number;
  /** Sum of the checksums, modulo {@link SUM_MODULUS}. */
  readonly sum: number;
  /** Sum of the products of their halves: two changes that cancel out in one sum do not in the other. */
  readonly products: number;
}

/** A sum below this modulus is exact in a double, even after adding one more 32-bit number. */
const SUM_MODULUS = 2 ** 52;
const HALF_BITS = 16;
const HALF_MASK = 0xffff;

export const EMPTY_TABLE: TableSeal = { rows: 0, sum: 0, products: 0 };

/** Adds up the checksums of rows. */
export class SealSum implements TableSeal {
  rows: number;
  sum: number;
  products: number;

  constructor({ rows, sum, products }: TableSeal = EMPTY_TABLE) {
    this.rows = rows;
    this.sum = sum;
    this.products = products;
  }

  add(crc: number): void {
    this.change(1, crc, productOf(crc));
  }

  remove(crc: number): void {
    this.change(-1, -crc, -productOf(crc));
  }

  addAll({ rows, sum, products }: TableSeal): void {
    this.change(rows, sum, products);
  }

  removeAll({ rows, sum, products }: TableSeal): void {
    this.change(-rows, -sum, -products);
  }

  value(): TableSeal {
    const { rows, sum, products } = this;
    return { rows, sum, products };
  }

  private change(rows: number, sum: number, products: number): void {
    this.rows += rows;
    this.sum = wrapped(this.sum + sum);
    this.products = wrapped(this.products + products);
  }
}

/** Both terms were below the modulus, so one subtraction is enough, and costs less than a remainder per row. */
function wrapped(sum: number): number {
  if (sum < 0) return sum + SUM_MODULUS;
  return sum < SUM_MODULUS ? sum : sum - SUM_MODULUS;
}

function productOf(crc: number): number {
  return (crc & HALF_MASK) * (crc >>> HALF_BITS);
}

/** SQL for the same sums over the checksums in `column`: rows, sum, products. */
export function sumsInSql(column: string): string {
  const product = `(${column} & ${HALF_MASK}) * (${column} >> ${HALF_BITS})`;
  return (
    `count(*), coalesce(sum(${column}), 0) % ${SUM_MODULUS}, ` +
    `coalesce(sum(${product}), 0) % ${SUM_MODULUS}`
  );
}

export function isSame(a: TableSeal, b: TableSeal): boolean {
  return a.rows === b.rows && a.sum === b.sum && a.products === b.products;
}

/** The state of all tables after one commit, by the name of the table. */
export interface Seal {
  readonly queryId: string;
  readonly epoch: number;
  /** The last commit; -1 before the first. */
  readonly batchId: number;
  readonly tables: Readonly<Record<string, TableSeal>>;
}

export function sealOf({ tables }: Pick<Seal, 'tables'>, table: string): TableSeal {
  return tables[table] ?? EMPTY_TABLE;
}

/** A seal that is updated with the changes of one transaction. */
export class SealDraft {
  readonly queryId: string;
  epoch: number;
  batchId: number;
  private readonly tables: Map<string, SealSum>;

  constructor({ queryId, epoch, batchId, tables }: Seal) {
    this.queryId = queryId;
    this.epoch = epoch;
    this.batchId = batchId;
    this.tables = new Map(Object.entries(tables).map(([name, each]) => [name, new SealSum(each)]));
  }

  /** The sums of one table. The caller changes them in place. */
  of(table: string): SealSum {
    let sum = this.tables.get(table);
    if (sum === undefined) this.tables.set(table, (sum = new SealSum()));
    return sum;
  }

  done(): Seal {
    const tables = Object.fromEntries([...this.tables].map(([name, sum]) => [name, sum.value()]));
    const { queryId, epoch, batchId } = this;
    return { queryId, epoch, batchId, tables };
  }
}

/** One line of JSON that ends in its own checksum. */
export function sealText({ queryId, epoch, batchId, tables }: Seal): string {
  const rows = Object.entries(tables).map(([name, { rows: count, sum, products }]) => [
    name,
    count,
    sum,
    products,
  ]);
  const body = JSON.stringify([queryId, epoch, batchId, rows]);
  return `${body}#${crc32(body)}`;
}

/** undefined if the text was not written by {@link sealText}. */
export function parseSeal(text: unknown): Seal | undefined {
  if (typeof text !== 'string') return undefined;
  const end = text.lastIndexOf('#');
  const body = text.slice(0, end);
  if (end < 0 || String(crc32(body)) !== text.slice(end + 1)) return undefined;
  const [queryId, epoch, batchId, rows] = JSON.parse(body) as [
    string,
    number,
    number,
    [string, number, number, number][],
  ];
  const tables = Object.fromEntries(
    rows.map(([name, count, sum, products]) => [name, { rows: count, sum, products }]),
  );
  return { queryId, epoch, batchId, tables };
}
