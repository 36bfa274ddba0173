/**
 * Grouped measures over columns. What a batch adds is kept apart from what is committed, and joins it only after the
 * commit, so that a batch that fails has changed nothing.
 */
import type { AggregateChange, GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Aggregate, Measure } from '../../plan/query-plan.ts';
import type { Slot } from './accumulator.ts';
import { GROUP_BYTES, keyBytes } from './memory-estimate.ts';
import { keyReader, spanCells, windowReader, type KeyReader, type WindowReader } from './group-key.ts';
import { GroupPaths } from './group-index.ts';
import { GROUPS_MAX, tooManyGroups } from './group-row.ts';
import { MeasureSlots, type PlacedMeasure } from './measures.ts';
import { rowsAdderOf, type RowsAdder } from './accumulate-rows.ts';
import type { AggregateOptions, HeldGroups, RunningAggregate } from './aggregate.ts';
import { microsOf } from './value-reader.ts';
import type { Span } from './windows.ts';

/** A group's measures: what is committed, and what the current batch adds. */
interface Group {
  readonly key: readonly GroupCell[];
  readonly committed: Slot[];
  readonly added: Slot[];
  /** When its window ends, epoch microseconds; Infinity if it has none. */
  readonly endMicros: number;
  /** Memory, estimated; that of its texts is a part of it. */
  bytes: number;
  textBytes: number;
  hasCommitted: boolean;
  touched: boolean;
  /** Its place among the groups of the rows in hand, where `turn` is theirs. */
  place: number;
  turn: number;
}

export class GroupedAggregate implements RunningAggregate {
  readonly name: string;
  private readonly keys: readonly KeyReader[];
  private readonly window: WindowReader | undefined;
  private readonly slots: MeasureSlots;
  private readonly groups = new Map<string, Group>();
  private readonly paths = new GroupPaths<Group>();
  private readonly adders: readonly RowsAdder[];
  /** The measures without an adder; together, since some number the rows as they come. */
  private readonly oneByOne: readonly PlacedMeasure[];
  // The rows in hand: the groups they belong to, and by row which of those it is.
  private located: Group[] = [];
  private places = new Int32Array(0);
  private codes = new Int32Array(0);
  private turn = 0;
  /** A code for each start and each end of a window. */
  private readonly instantCodes = new Map<number, number>();
  private touchedGroups: Group[] = [];
  private closed: Group[] = [];
  private heldBytes = 0;
  /** Windows that end no later are closed, or were, before the watermark was lowered. */
  private closedUpTo = -Infinity;
  private readonly committedGroup: NonNullable<AggregateOptions['committedGroup']>;

  constructor(aggregate: Aggregate, options: AggregateOptions) {
    const { batch, zone, hashKey, committedGroup = () => undefined } = options;
    this.name = aggregate.name;
    this.committedGroup = committedGroup;
    const keys: KeyReader[] = [];
    let window: WindowReader | undefined;
    for (const key of aggregate.keys) {
      if (key.kind === 'window') window = windowReader(key, batch, zone);
      else if (key.kind !== 'sessionWindow') keys.push(keyReader(key, batch, zone));
    }
    this.keys = keys;
    this.window = window;
    this.slots = new MeasureSlots(aggregate, batch, hashKey);
    const { measures, starts } = this.slots;
    const placed = measures.map((measure, index) => ({ measure, at: starts[index] as number }));
    const adders = placed.map(({ measure, at }, index) =>
      rowsAdderOf(aggregate.measures[index] as Measure, batch, measure, at),
    );
    this.adders = adders.filter((adder) => adder !== undefined);
    this.oneByOne = placed.filter((_, index) => adders[index] === undefined);
  }

  restore(row: GroupRow): void {
    this.restored(row);
  }

  close(watermarkMicros: number | null, closedToMicros = -Infinity): void {
    this.closed = [];
    if (this.window === undefined || watermarkMicros === null) return;
    this.closedUpTo = Math.max(watermarkMicros, closedToMicros);
    for (const [name, group] of this.groups) {
      if (group.endMicros > watermarkMicros) continue;
      this.groups.delete(name);
      this.heldBytes -= group.bytes;
      this.closed.push(group);
    }
    // Steps lead to groups that are no more; they are few enough to be found again.
    if (this.closed.length > 0) this.forgetCodes();
  }

  add(row: number): void {
    if (this.window === undefined) return this.addTo(this.groupAt(row, undefined), row);
    for (const span of this.window.spansAt(row)) this.addTo(this.groupAt(row, span), row);
  }

  addRows(rows: Int32Array, count: number): void {
    if (this.window !== undefined) {
      for (let index = 0; index < count; index += 1) this.add(rows[index] as number);
      return;
    }
    this.locate(rows, count);
    const { located, places } = this;
    for (const add of this.adders) add(located, places, rows, count);
    if (this.oneByOne.length === 0) return;
    for (let index = 0; index < count; index += 1) {
      const { added, key } = located[places[index] as number] as Group;
      this.slots.addSome(this.oneByOne, added, rows[index] as number, key);
    }
  }

  change(): AggregateChange {
    return {
      aggregate: this.name,
      added: this.touchedGroups.map((group) => this.slots.row(group.key, group.added)),
      totals: this.touchedGroups.map((group) => {
        const sums = this.sumsOf(group);
        this.weigh(group, sums);
        return this.slots.row(group.key, sums);
      }),
      closed: this.closed.map((group) => this.slots.row(group.key, group.committed)),
      removed: [],
    };
  }

  held(): HeldGroups {
    const updated = this.touchedGroups.length;
    const bytes = this.heldBytes + updated * this.slots.valueBytes;
    return { groups: this.groups.size, bytes, updated, removed: this.closed.length };
  }

  all(): GroupRow[] {
    return [...this.groups.values()]
      .filter((group) => group.touched || group.hasCommitted)
      .map((group) => this.slots.row(group.key, this.sumsOf(group)));
  }

  committed(): void {
    for (const group of this.touchedGroups) {
      this.slots.merge(group.committed, group.added, group.key);
      this.slots.clear(group.added);
      group.hasCommitted = true;
      group.touched = false;
    }
    this.touchedGroups = [];
    this.closed = [];
  }

  forgetCodes(): void {
    this.paths.clear();
    this.instantCodes.clear();
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

  isClosedFor(row: number): boolean {
    return this.window?.spansAt(row).some(({ end }) => end <= this.closedUpTo) ?? false;
  }

  private addTo(group: Group, row: number): void {
    this.touch(group);
    this.slots.add(group.added, row, group.key);
  }

  private touch(group: Group): void {
    if (group.touched) return;
    group.touched = true;
    this.touchedGroups.push(group);
  }

  private groupAt(row: number, span: Span | undefined): Group {
    let step = 0;
    if (span !== undefined) {
      // The start alone does not tell: where a zone skips a whole day, windows of two days begin together.
      step = this.paths.next(this.paths.next(0, this.codeOf(span.start)), this.codeOf(span.end));
    }
    for (let index = 0; index < this.keys.length; index += 1) {
      step = this.paths.next(step, (this.keys[index] as KeyReader).codeAt(row));
    }
    return this.paths.groupAt(step) ?? this.bind(step, row, span);
  }

  /** Finds the groups of these rows, a key at a time. */
  private locate(rows: Int32Array, count: number): void {
    if (count > this.places.length) {
      this.places = new Int32Array(count);
      this.codes = new Int32Array(count);
    }
    const { places, codes } = this;
    places.fill(0, 0, count);
    for (const key of this.keys) {
      key.codesOf(rows, count, codes);
      this.paths.follow(places, codes, count);
    }
    this.located = [];
    this.turn += 1;
    for (let index = 0; index < count; index += 1) {
      const step = places[index] as number;
      const group = this.paths.groupAt(step) ?? this.bind(step, rows[index] as number, undefined);
      if (group.turn !== this.turn) {
        this.touch(group);
        group.turn = this.turn;
        group.place = this.located.length;
        this.located.push(group);
      }
      places[index] = group.place;
    }
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
    const group =
      this.groups.get(JSON.stringify(key)) ??
      this.reopened(key, span) ??
      this.newGroup(key, span?.end ?? Infinity);
    this.paths.bind(step, group);
    return group;
  }

  /** An event that is accepted though late continues from what its window came to; the next batch closes it again. */
  private reopened(key: readonly GroupCell[], span: Span | undefined): Group | undefined {
    if (span === undefined || span.end > this.closedUpTo) return undefined;
    const row = this.committedGroup(this.name, key);
    return row === undefined ? undefined : this.restored(row);
  }

  private restored(row: GroupRow): Group {
    const endMicros = this.window === undefined ? Infinity : microsOf(row.key[1] as string);
    const group = this.newGroup(row.key, endMicros);
    this.slots.load(group.committed, row);
    this.weigh(group, group.committed);
    group.hasCommitted = true;
    return group;
  }

  private newGroup(key: readonly GroupCell[], endMicros: number): Group {
    if (this.groups.size >= GROUPS_MAX) throw tooManyGroups(this.name, key);
    const name = JSON.stringify(key);
    const group: Group = {
      key,
      committed: this.slots.fresh(),
      added: this.slots.fresh(),
      endMicros,
      bytes: GROUP_BYTES + keyBytes(key, name) + this.slots.bytes,
      textBytes: 0,
      hasCommitted: false,
      touched: false,
      place: 0,
      turn: 0,
    };
    this.groups.set(name, group);
    this.heldBytes += group.bytes;
    return group;
  }

  /** Counts the texts of `slots`, which the group holds from now on. */
  private weigh(group: Group, slots: readonly Slot[]): void {
    const textBytes = this.slots.textBytes(slots);
    const more = textBytes - group.textBytes;
    group.textBytes = textBytes;
    group.bytes += more;
    this.heldBytes += more;
  }

  private sumsOf(group: Group): Slot[] {
    const slots = [...group.committed];
    this.slots.merge(slots, group.added, group.key);
    return slots;
  }
}
