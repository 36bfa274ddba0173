/**
 * Session windows: rows of one key belong together while each comes within the gap after another. Sessions grow and
 * merge, so a batch works on copies of the sessions that it touches, and the copies become the sessions at the commit.
 */
import { invariant } from '../../errors.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Aggregate, GroupKey } from '../../plan/query-plan.ts';
import type { Slot } from './accumulator.ts';
import { keyBytes, SESSION_BYTES, SESSION_KEY_BYTES } from './memory-estimate.ts';
import { keyReader, spanCells, timeColumn, type KeyReader } from './group-key.ts';
import { GROUPS_MAX, tooManyGroups } from './group-row.ts';
import { MeasureSlots } from './measures.ts';
import type { AggregateOptions, HeldGroups, RunningAggregate } from './aggregate.ts';
import { microsOf } from './value-reader.ts';
import { MICROS_PER_MS } from '../watermark.ts';
import type { Span } from './windows.ts';

/** `[start, end)`, where the end is the last row's time plus the gap. */
interface Session {
  readonly start: number;
  readonly end: number;
  /** The committed sessions with the rows of this batch. */
  readonly total: Slot[];
  /** The rows of this batch alone. */
  readonly added: Slot[];
  readonly touched: boolean;
}

/** The sessions of one key, by their start; they do not overlap. */
interface Sessions {
  readonly key: readonly GroupCell[];
  committed: readonly Session[];
  /** With the current batch; undefined while it has not touched the key. */
  working: readonly Session[] | undefined;
  /** Memory of the key, estimated, and of the texts of its sessions. */
  readonly keyBytes: number;
  textBytes: number;
}

export class SessionAggregate implements RunningAggregate {
  readonly name: string;
  private readonly keys: readonly KeyReader[];
  private readonly times: { values: Float64Array };
  private readonly gapMicros: number;
  private readonly slots: MeasureSlots;
  private readonly byKey = new Map<string, Sessions>();
  private touched = new Set<Sessions>();
  private closed: { readonly key: readonly GroupCell[]; readonly session: Session }[] = [];
  private count = 0;
  /** Of keys and texts, estimated; the rest goes by the number of sessions. */
  private heldBytes = 0;
  /** Sessions that end no later are final. */
  private closedUpTo = -Infinity;

  constructor(aggregate: Aggregate, { batch, zone, hashKey }: AggregateOptions) {
    this.name = aggregate.name;
    const session = aggregate.keys.find((key) => key.kind === 'sessionWindow');
    invariant(session !== undefined, `aggregate ${aggregate.name} has no session window`);
    this.times = timeColumn(batch, session.column);
    this.gapMicros = session.gapMs * MICROS_PER_MS;
    this.keys = aggregate.keys.filter(isPlain).map((key) => keyReader(key, batch, zone));
    this.slots = new MeasureSlots(aggregate, batch, hashKey);
  }

  restore(row: GroupRow): void {
    const [start, end, ...key] = row.key;
    const sessions = this.sessionsOf(key);
    const session = this.newSession(microsOf(start as string), microsOf(end as string), false);
    this.slots.load(session.total, row);
    sessions.committed = inOrder([...sessions.committed, session]);
    this.weigh(sessions);
    this.count += 1;
  }

  close(watermarkMicros: number | null): void {
    this.closed = [];
    if (watermarkMicros === null) return;
    this.closedUpTo = watermarkMicros;
    for (const [name, sessions] of this.byKey) {
      const closed = sessions.committed.filter(({ end }) => end <= watermarkMicros);
      if (closed.length === 0) continue;
      for (const session of closed) this.closed.push({ key: sessions.key, session });
      sessions.committed = sessions.committed.filter(({ end }) => end > watermarkMicros);
      this.count -= closed.length;
      this.weigh(sessions);
      if (sessions.committed.length > 0) continue;
      this.byKey.delete(name);
      this.heldBytes -= sessions.keyBytes;
    }
  }

  addRows(rows: Int32Array, count: number): void {
    for (let index = 0; index < count; index += 1) this.add(rows[index] as number);
  }

  add(row: number): void {
    const micros = this.times.values[row] as number;
    if (Number.isNaN(micros)) return;
    const sessions = this.sessionsOf(this.keys.map((reader) => reader.cell(reader.codeAt(row))));
    this.touched.add(sessions);
    const one = this.newSession(micros, micros + this.gapMicros, true);
    this.slots.add(one.total, row, sessions.key);
    this.slots.add(one.added, row, sessions.key);
    const before = sessions.working ?? sessions.committed;
    // A session that ends where the next begins is another one: spans are half-open.
    const near = before.filter(({ start, end }) => start < one.end && one.start < end);
    if (near.length === 0) {
      this.count += 1;
      if (this.count > GROUPS_MAX) throw tooManyGroups(this.name, sessions.key);
    } else this.count -= near.length - 1;
    const others = before.filter((session) => !near.includes(session));
    sessions.working = inOrder([
      ...others,
      near.reduce((sum, each) => this.join(each, sum, sessions.key), one),
    ]);
  }

  change(): AggregateChange {
    const added: GroupRow[] = [];
    const totals: GroupRow[] = [];
    const removed: (readonly GroupCell[])[] = [];
    for (const sessions of this.touched) {
      const { key, committed, working = [] } = sessions;
      this.weigh(sessions);
      const names = new Set(working.map(nameOf));
      for (const session of committed) {
        if (!names.has(nameOf(session))) removed.push([...spanCells(session), ...key]);
      }
      for (const session of working) {
        if (!session.touched) continue;
        added.push(this.rowOf(key, session, session.added));
        totals.push(this.rowOf(key, session, session.total));
      }
    }
    const closed = this.closed.map(({ key, session }) => this.rowOf(key, session, session.total));
    return { aggregate: this.name, added, totals, closed, removed };
  }

  held(): HeldGroups {
    const bytes = this.heldBytes + this.count * (SESSION_BYTES + this.slots.bytes);
    return { groups: this.count, bytes, updated: this.touched.size, removed: this.closed.length };
  }

  all(): GroupRow[] {
    return [...this.byKey.values()].flatMap(({ key, committed, working }) =>
      (working ?? committed).map((session) => this.rowOf(key, session, session.total)),
    );
  }

  committed(): void {
    for (const sessions of this.touched) {
      const working = sessions.working ?? sessions.committed;
      sessions.committed = working.map((session) => ({ ...session, added: [], touched: false }));
      sessions.working = undefined;
    }
    this.touched = new Set();
    this.closed = [];
  }

  forgetCodes(): void {
    for (const key of this.keys) key.forget();
  }

  firstEndMicros(): number {
    let first = Infinity;
    for (const { committed } of this.byKey.values()) {
      for (const { end } of committed) first = Math.min(first, end);
    }
    return first;
  }

  windowOf(row: number): Span | undefined {
    const micros = this.times.values[row] as number;
    return Number.isNaN(micros) ? undefined : { start: micros, end: micros + this.gapMicros };
  }

  /** A session that is final may end after this row, and would have had it in it. */
  isClosedFor(row: number): boolean {
    return (this.times.values[row] as number) < this.closedUpTo;
  }

  /** One session of two; sums and counts do not ask which came first. */
  private join(earlier: Session, later: Session, key: readonly GroupCell[]): Session {
    const joined = this.newSession(
      Math.min(earlier.start, later.start),
      Math.max(earlier.end, later.end),
      true,
    );
    for (const each of [earlier, later]) {
      this.slots.merge(joined.total, each.total, key);
      if (each.touched) this.slots.merge(joined.added, each.added, key);
    }
    return joined;
  }

  private sessionsOf(key: readonly GroupCell[]): Sessions {
    const name = JSON.stringify(key);
    const known = this.byKey.get(name);
    if (known !== undefined) return known;
    const sessions: Sessions = {
      key,
      committed: [],
      working: undefined,
      keyBytes: SESSION_KEY_BYTES + keyBytes(key, name),
      textBytes: 0,
    };
    this.byKey.set(name, sessions);
    this.heldBytes += sessions.keyBytes;
    return sessions;
  }

  private newSession(start: number, end: number, touched: boolean): Session {
    return { start, end, total: this.slots.fresh(), added: this.slots.fresh(), touched };
  }

  /** Counts the texts that a key's sessions hold now. */
  private weigh(sessions: Sessions): void {
    let textBytes = 0;
    for (const { total } of sessions.working ?? sessions.committed) textBytes += this.slots.textBytes(total);
    this.heldBytes += textBytes - sessions.textBytes;
    sessions.textBytes = textBytes;
  }

  private rowOf(key: readonly GroupCell[], session: Session, slots: readonly Slot[]): GroupRow {
    return this.slots.row([...spanCells(session), ...key], slots);
  }
}

function isPlain(key: GroupKey): key is Exclude<GroupKey, { kind: 'window' | 'sessionWindow' }> {
  return key.kind !== 'window' && key.kind !== 'sessionWindow';
}

function inOrder(sessions: readonly Session[]): readonly Session[] {
  return sessions.toSorted((a, b) => a.start - b.start);
}

const nameOf = ({ start, end }: Session): string => `${start} ${end}`;
