/**
 * Grouped measures over columns. What a batch adds is kept apart from what is committed, and joins it only after the
 * commit, so that a batch that fails has changed nothing.
 */
import { TallystreamError } from '../errors.ts';
import type { ColumnBatch } from '../columns/batch.ts';
import type { TimeZone } from '../columns/timezone.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../contracts/batch.ts';
import type { Aggregate } from '../plan/query-plan.ts';
import { accumulatorOf, type Accumulator, type Slot } from './accumulator.ts';
import {
  CODE_BOUND,
  keyReader,
  spanCells,
  windowReader,
  type KeyReader,
  type WindowReader,
} from './group-key.ts';
import { microsOf } from './value-reader.ts';
import type { Span } from './windows.ts';

/** A group's measures: what is committed, and what the batch in hand adds. */
interface Group {
  readonly key: readonly GroupCell[];
  readonly committed: Slot[];
  readonly added: Slot[];
  /** When its window ends, epoch microseconds; Infinity where it has none. */
  readonly endMicros: number;
  hasCommitted: boolean;
  touched: boolean;
}

/** Groups of one aggregate: all that are open are kept in memory. */
export const GROUPS_MAX = 2_000_000;

export interface AggregateOptions {
  readonly batch: ColumnBatch;
  readonly zone: TimeZone;
  readonly hashKey: Uint8Array;
}

/** What the engine does with an aggregate, whatever its keys are. */
export interface RunningAggregate {
  readonly name: string;
  /** Takes a committed group back, at start. */
  restore(row: GroupRow): void;
  /** Closes every group whose window ends at or before the watermark; called before the rows of a batch. */
  close(watermarkMicros: number | null): void;
  /** Adds an accepted row to its groups. @throws SUM_OVERFLOW, STATE_TOO_LARGE */
  add(row: number): void;
  /** What the batch in hand changes. @throws SUM_OVERFLOW */
  change(): AggregateChange;
  /** Every open group with the batch in hand in it. */
  all(): GroupRow[];
  /** The batch is committed: what it added now counts. */
  committed(): void;
  /** Called when dictionaries were cleared: codes mean something else now. */
  forgetCodes(): void;
  /** When the first open window ends, epoch microseconds; Infinity where there is none. */
  firstEndMicros(): number;
  /** The window that a row would have been in, the last where there are several; undefined where it would be in none. */
  windowOf(row: number): Span | undefined;
}

export class GroupedAggregate implements RunningAggregate {
  readonly name: string;
  private readonly keys: readonly KeyReader[];
  private readonly window: WindowReader | undefined;
  private readonly measures: readonly Accumulator[];
  private readonly slotsOf: readonly number[];
  private readonly slotCount: number;
  private readonly groups = new Map<string, Group>();
  /** A path of codes from the root to a group, one step a key: step number × CODE_BOUND + code → next step's number. */
  private readonly steps = new Map<number, number>();
  private stepCount = 1;
  private readonly groupOfStep = new Map<number, Group>();
  /** A code for each start and each end of a window. */
  private readonly instantCodes = new Map<number, number>();
  private touchedGroups: Group[] = [];
  private closed: Group[] = [];

  constructor(aggregate: Aggregate, { batch, zone, hashKey }: AggregateOptions) {
    this.name = aggregate.name;
    const keys: KeyReader[] = [];
    let window: WindowReader | undefined;
    for (const key of aggregate.keys) {
      if (key.kind === 'window') window = windowReader(key, batch, zone);
      else if (key.kind !== 'sessionWindow') keys.push(keyReader(key, batch, zone));
    }
    this.keys = keys;
    this.window = window;
    const order = { next: 0 };
    this.measures = aggregate.measures.map((measure) => accumulatorOf(measure, batch, { hashKey, order }));
    const ends = this.measures.reduce<number[]>(
      (starts, measure) => [...starts, (starts.at(-1) as number) + measure.slots],
      [0],
    );
    this.slotsOf = ends.slice(0, -1);
    this.slotCount = ends.at(-1) as number;
  }

  restore(row: GroupRow): void {
    const group = this.newGroup(
      row.key,
      this.window === undefined ? Infinity : microsOf(row.key[1] as string),
    );
    loadSlots(this.measures, group.committed, row);
    group.hasCommitted = true;
  }

  close(watermarkMicros: number | null): void {
    this.closed = [];
    if (this.window === undefined || watermarkMicros === null) return;
    for (const [name, group] of this.groups) {
      if (group.endMicros > watermarkMicros) continue;
      this.groups.delete(name);
      this.closed.push(group);
    }
    // Steps lead to groups that are no more; they are few enough to be found again.
    if (this.closed.length > 0) this.forgetCodes();
  }

  add(row: number): void {
    if (this.window === undefined) return this.addTo(this.groupAt(row, undefined), row);
    for (const span of this.window.spansAt(row)) this.addTo(this.groupAt(row, span), row);
  }

  change(): AggregateChange {
    return {
      aggregate: this.name,
      added: this.touchedGroups.map((group) => this.rowOf(group.key, group.added)),
      totals: this.touchedGroups.map((group) => this.rowOf(group.key, this.sumsOf(group))),
      closed: this.closed.map((group) => this.rowOf(group.key, group.committed)),
      removed: [],
    };
  }

  all(): GroupRow[] {
    return [...this.groups.values()]
      .filter((group) => group.touched || group.hasCommitted)
      .map((group) => this.rowOf(group.key, this.sumsOf(group)));
  }

  committed(): void {
    for (const group of this.touchedGroups) {
      this.mergeInto(group.committed, group.added);
      this.clear(group.added);
      group.hasCommitted = true;
      group.touched = false;
    }
    this.touchedGroups = [];
    this.closed = [];
  }

  forgetCodes(): void {
    this.steps.clear();
    this.groupOfStep.clear();
    this.instantCodes.clear();
    this.stepCount = 1;
    for (const key of this.keys) key.forget();
  }

  firstEndMicros(): number {
    if (this.window === undefined) return Infinity;
    let first = Infinity;
    for (const { endMicros } of this.groups.values()) first = Math.min(first, endMicros);
    return first;
  }

  windowOf(row: number): Span | undefined {
    return this.window?.spansAt(row).at(-1);
  }

  private addTo(group: Group, row: number): void {
    if (!group.touched) {
      group.touched = true;
      this.touchedGroups.push(group);
    }
    for (let index = 0; index < this.measures.length; index += 1) {
      (this.measures[index] as Accumulator).add(group.added, this.slotsOf[index] as number, row);
    }
  }

  private groupAt(row: number, span: Span | undefined): Group {
    let step = 0;
    if (span !== undefined) {
      // The start alone does not tell: where a zone skips a whole day, windows of two days begin together.
      step = this.nextStep(this.nextStep(0, this.codeOf(span.start)), this.codeOf(span.end));
    }
    for (let index = 0; index < this.keys.length; index += 1) {
      step = this.nextStep(step, (this.keys[index] as KeyReader).codeAt(row));
    }
    return this.groupOfStep.get(step) ?? this.bind(step, row, span);
  }

  private nextStep(step: number, code: number): number {
    const path = step * CODE_BOUND + code;
    const known = this.steps.get(path);
    if (known !== undefined) return known;
    const next = this.stepCount;
    this.stepCount += 1;
    this.steps.set(path, next);
    return next;
  }

  private codeOf(instant: number): number {
    const known = this.instantCodes.get(instant);
    if (known !== undefined) return known;
    const code = this.instantCodes.size;
    this.instantCodes.set(instant, code);
    return code;
  }

  /** The first row of a group in this process: finds it by its cells, or makes it, and ties it to its codes. */
  private bind(step: number, row: number, span: Span | undefined): Group {
    const cells = this.keys.map((reader) => reader.cell(reader.codeAt(row)));
    const key = span === undefined ? cells : [...spanCells(span), ...cells];
    const group = this.groups.get(JSON.stringify(key)) ?? this.newGroup(key, span?.end ?? Infinity);
    this.groupOfStep.set(step, group);
    return group;
  }

  private newGroup(key: readonly GroupCell[], endMicros: number): Group {
    if (this.groups.size >= GROUPS_MAX) throw tooManyGroups(this.name, key);
    const slots = (): Slot[] => new Array<Slot>(this.slotCount);
    const group: Group = {
      key,
      committed: slots(),
      added: slots(),
      endMicros,
      hasCommitted: false,
      touched: false,
    };
    this.clear(group.committed);
    this.clear(group.added);
    this.groups.set(JSON.stringify(key), group);
    return group;
  }

  private clear(slots: Slot[]): void {
    this.measures.forEach((measure, index) => measure.clear(slots, this.slotsOf[index] as number));
  }

  private mergeInto(slots: Slot[], later: readonly Slot[]): void {
    this.measures.forEach((measure, index) => {
      const at = this.slotsOf[index] as number;
      measure.merge(slots, at, later, at);
    });
  }

  private sumsOf(group: Group): Slot[] {
    const slots = [...group.committed];
    this.mergeInto(slots, group.added);
    return slots;
  }

  private rowOf(key: readonly GroupCell[], slots: readonly Slot[]): GroupRow {
    return groupRow(this.measures, key, slots);
  }
}

/** A group as cells: what people see of it, and its state where that says more. */
export function groupRow(
  measures: readonly Accumulator[],
  key: readonly GroupCell[],
  slots: readonly Slot[],
): GroupRow {
  let at = 0;
  const results: GroupCell[] = [];
  const state: (readonly GroupCell[] | null)[] = [];
  for (const measure of measures) {
    results.push(measure.result(slots, at));
    state.push(measure.save?.(slots, at) ?? null);
    at += measure.slots;
  }
  return state.every((cells) => cells === null)
    ? { key, measures: results }
    : { key, measures: results, state };
}

/** Takes a group's state back from its cells. */
export function loadSlots(measures: readonly Accumulator[], slots: Slot[], row: GroupRow): void {
  let at = 0;
  measures.forEach((measure, index) => {
    measure.load(slots, at, row.state?.[index] ?? [row.measures[index] as GroupCell]);
    at += measure.slots;
  });
}

export function tooManyGroups(name: string, key: readonly GroupCell[]): TallystreamError {
  return new TallystreamError('STATE_TOO_LARGE', {
    what: `The aggregate ${name} has ${GROUPS_MAX} groups, and holds no more.`,
    why: `The next would be ${JSON.stringify(key)}; nothing of this batch was committed.`,
    mend: 'Look whether the producer writes a new value with every event, and start again under another query.name.',
  });
}
