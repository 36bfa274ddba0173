/**
 * Grouped sums and counts over columns. What a batch adds is kept apart from what is committed, and joins it only
 * after the commit, so that a batch that fails has changed nothing.
 */
import { InvariantError, TallystreamError } from '../errors.ts';
import type { ColumnBatch, DecimalColumn, DictionaryColumn, NumberColumn, Scaled } from '../columns/batch.ts';
import { addExact, formatScaled, parseDecimal } from '../columns/decimal.ts';
import { formatDay } from '../columns/timestamp.ts';
import type { TimeZone } from '../columns/timezone.ts';
import type { AggregateChange, GroupRow } from '../contracts/batch.ts';
import type { Aggregate, GroupKey, Measure } from '../plan/query-plan.ts';

/** A group's measures: what is committed, and what the batch in hand adds. */
interface Group {
  readonly key: readonly string[];
  readonly committed: Scaled[];
  readonly added: Scaled[];
  touched: boolean;
}

/** Gives each row a small whole number that stands for its key's value, and that number's text. */
interface KeyReader {
  codeAt(row: number): number;
  text(code: number): string;
}

/** Reads a row's measure as a scaled whole number; a count reads 1 everywhere. */
interface MeasureReader {
  readonly kind: Measure['kind'];
  readonly scale: number;
  valueAt(row: number): Scaled;
}

/** Groups of one aggregate: all of them are kept in memory. */
const GROUPS_MAX = 2_000_000;
/** Codes of days are moved up by this much so that they are never negative: some 183,000 years each way. */
const DAY_CODE_BASE = 2 ** 26;
/** Codes are below this, so that a group's number and a code fit one exact double. */
const CODE_BOUND = 2 ** 27;

export class GroupedAggregate {
  readonly name: string;
  private readonly keys: readonly KeyReader[];
  private readonly measures: readonly MeasureReader[];
  private readonly groups = new Map<string, Group>();
  /** A path of codes from the root to a group, one step a key: step number × CODE_BOUND + code → next step's number. */
  private readonly steps = new Map<number, number>();
  private stepCount = 1;
  private readonly groupOfStep = new Map<number, Group>();
  private touchedGroups: Group[] = [];

  constructor(aggregate: Aggregate, batch: ColumnBatch, zone: TimeZone) {
    this.name = aggregate.name;
    this.keys = aggregate.keys.map((key) => keyReader(key, batch, zone));
    this.measures = aggregate.measures.map((measure) => measureReader(measure, batch));
  }

  /** Takes a committed group back, at start. */
  restore(row: GroupRow): void {
    const group = this.newGroup(row.key);
    row.measures.forEach((measure, index) => {
      group.committed[index] =
        typeof measure === 'number' ? measure : parseDecimal(measure, this.scaleOf(index));
    });
  }

  /** Adds an accepted row to its group. @throws SUM_OVERFLOW */
  add(row: number): void {
    const group = this.groupAt(row);
    if (!group.touched) {
      group.touched = true;
      this.touchedGroups.push(group);
    }
    for (let index = 0; index < this.measures.length; index += 1) {
      const value = (this.measures[index] as MeasureReader).valueAt(row);
      group.added[index] = addExact(group.added[index] as Scaled, value);
    }
  }

  /** What the batch in hand added to each group it touched, and what they hold with it. @throws SUM_OVERFLOW */
  change(): AggregateChange {
    return {
      aggregate: this.name,
      added: this.touchedGroups.map((group) => this.rowOf(group.key, group.added)),
      totals: this.touchedGroups.map((group) => this.rowOf(group.key, sumsOf(group))),
    };
  }

  /** Every group with the batch in hand in it. */
  all(): GroupRow[] {
    return [...this.groups.values()]
      .filter((group) => group.touched || group.committed.some((value) => value !== 0))
      .map((group) => this.rowOf(group.key, sumsOf(group)));
  }

  /** The batch is committed: what it added now counts. */
  committed(): void {
    for (const group of this.touchedGroups) {
      sumsOf(group).forEach((sum, index) => (group.committed[index] = sum));
      group.added.fill(0);
      group.touched = false;
    }
    this.touchedGroups = [];
  }

  /** Called when dictionaries were cleared: the codes on the way to a group mean something else now. */
  forgetCodes(): void {
    this.steps.clear();
    this.groupOfStep.clear();
    this.stepCount = 1;
  }

  private groupAt(row: number): Group {
    let step = 0;
    for (let index = 0; index < this.keys.length; index += 1) {
      const path = step * CODE_BOUND + (this.keys[index] as KeyReader).codeAt(row);
      const next = this.steps.get(path);
      if (next !== undefined) step = next;
      else {
        step = this.stepCount;
        this.stepCount += 1;
        this.steps.set(path, step);
      }
    }
    return this.groupOfStep.get(step) ?? this.bind(step, row);
  }

  /** The first row of a group in this process: finds it by its texts, or makes it, and ties it to its codes. */
  private bind(step: number, row: number): Group {
    const key = this.keys.map((reader) => reader.text(reader.codeAt(row)));
    const group = this.groups.get(JSON.stringify(key)) ?? this.newGroup(key);
    this.groupOfStep.set(step, group);
    return group;
  }

  private newGroup(key: readonly string[]): Group {
    if (this.groups.size >= GROUPS_MAX) {
      throw new TallystreamError('STATE_TOO_LARGE', {
        what: `The aggregate ${this.name} has ${GROUPS_MAX} groups, and holds no more.`,
        why: `The next would be ${JSON.stringify(key)}; nothing of this batch was committed.`,
        mend: 'Look whether the producer writes a new value with every event, and start again under another query.name.',
      });
    }
    const zeros = (): Scaled[] => this.measures.map(() => 0);
    const group: Group = { key, committed: zeros(), added: zeros(), touched: false };
    this.groups.set(JSON.stringify(key), group);
    return group;
  }

  private rowOf(key: readonly string[], values: readonly Scaled[]): GroupRow {
    const measures = values.map((value, index) =>
      this.measures[index]?.kind === 'count' ? Number(value) : formatScaled(value, this.scaleOf(index)),
    );
    return { key, measures };
  }

  private scaleOf(measure: number): number {
    return (this.measures[measure] as MeasureReader).scale;
  }
}

function sumsOf(group: Group): Scaled[] {
  return group.committed.map((value, index) => addExact(value, group.added[index] as Scaled));
}

function keyReader(key: GroupKey, batch: ColumnBatch, zone: TimeZone): KeyReader {
  const index = batch.indexOf(key.column);
  const column = batch.columns[index];
  // A null has no code; until keys of optional columns are asked for, a plan that names one is a fault of ours.
  if (batch.leaves[index]?.required !== true)
    throw new InvariantError(`key ${key.column} must be a required field`);
  if (key.kind === 'date') {
    if (column?.kind !== 'timestamp')
      throw new InvariantError(`a date key needs an instant in ${key.column}`);
    return dateReader(column, zone);
  }
  if (column?.kind !== 'dictionary') throw new InvariantError(`a key needs dictionary text in ${key.column}`);
  return textReader(column);
}

function dateReader(column: NumberColumn, zone: TimeZone): KeyReader {
  return {
    codeAt: (row) => zone.dayOf(column.values[row] as number) + DAY_CODE_BASE,
    text: (code) => formatDay(code - DAY_CODE_BASE),
  };
}

function textReader(column: DictionaryColumn): KeyReader {
  return { codeAt: (row) => column.codes[row] as number, text: (code) => column.dictionary.text(code) };
}

function measureReader(measure: Measure, batch: ColumnBatch): MeasureReader {
  if (measure.kind === 'count') return { kind: 'count', scale: 0, valueAt: () => 1 };
  const column = batch.columns[batch.indexOf(measure.column)];
  if (column?.kind !== 'decimal') throw new InvariantError(`a sum needs a decimal in ${measure.column}`);
  return { kind: 'sum', scale: column.scale, valueAt: decimalReader(column) };
}

function decimalReader(column: DecimalColumn): (row: number) => Scaled {
  return (row) => column.get(row) ?? 0;
}
