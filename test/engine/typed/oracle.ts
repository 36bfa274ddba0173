/**
 * docs/reference/verdicts.md over plain objects, none of the product's code: which verdict every record gets, and what the
 * accepted ones come to. How the input was cut is an argument, so that one cut can be held against another.
 */
import {
  decimalText,
  filterBehind,
  GAP_MINUTES,
  kindOf,
  MINUTE_MS,
  RELATIVE_ERROR,
  SETTINGS,
  TOLERANCE_MS,
  windowOf,
  type AggregateDraw,
  type ColumnName,
  type PlainEvent,
  type Setting,
  type TypedCase,
} from './case.ts';

export interface LogRecord {
  readonly event: PlainEvent | string;
  readonly appendedMs: number;
  /** Where it says that it lay before, `partition:offset`; undefined for any other record. */
  readonly redrives?: string;
  readonly acceptLate?: boolean;
}

/** One batch as it was cut: the clock, and what it read. */
export interface Cut {
  readonly clockMs: number;
  readonly ranges: readonly { readonly partition: number; readonly start: number; readonly end: number }[];
}

export interface Judged {
  /** `partition:offset REASON` of every record that was not accepted, in order of position. */
  readonly verdicts: readonly string[];
  /** What goes on to aggregates and outputs, in order of reading, with computed columns. */
  readonly rows: readonly PlainEvent[];
  readonly read: number;
  /** By batch: the watermark in force, epoch milliseconds. */
  readonly watermarks: readonly (number | null)[];
  readonly idle: boolean;
  /** The watermark that a look at this time would come to, after all batches. */
  watermarkAt(clockMs: number): number | null;
}

type Partition = { next: number; largest: number | null; activeMs: number };

export function judge(
  drawn: TypedCase,
  log: readonly (readonly LogRecord[])[],
  cuts: readonly Cut[],
): Judged {
  const delayMs = drawn.delayMinutes === null ? null : drawn.delayMinutes * MINUTE_MS;
  const states: Partition[] = log.map(() => ({ next: 0, largest: null, activeMs: cuts[0]?.clockMs ?? 0 }));
  const seen = new Map<string, { at: number | null; content: string }>();
  const redriven = new Set<string>();
  const verdicts: { partition: number; offset: number; reason: string }[] = [];
  const rows: PlainEvent[] = [];
  const watermarks: (number | null)[] = [];
  let watermark: number | null = null;
  let read = 0;
  let idle = false;

  const unreadAt = (partition: number, clockMs: number): boolean =>
    (log[partition] as readonly LogRecord[])
      .slice((states[partition] as Partition).next)
      .some(({ appendedMs }) => appendedMs <= clockMs);

  const watermarkAt = (clockMs: number): number | null => {
    if (delayMs === null) return null;
    const holding = states.filter((state, partition) => {
      const isIdle =
        !unreadAt(partition, clockMs) && clockMs - state.activeMs >= drawn.idleMinutes * MINUTE_MS;
      idle ||= isIdle;
      return !isIdle;
    });
    if (holding.length === 0 || holding.some(({ largest }) => largest === null)) return watermark;
    const least = Math.min(...holding.map(({ largest }) => (largest as number) - delayMs));
    return watermark === null ? least : Math.max(watermark, least);
  };

  for (const { clockMs, ranges } of cuts) {
    watermark = watermarkAt(clockMs);
    watermarks.push(watermark);
    for (const [partition, state] of states.entries()) {
      if (unreadAt(partition, clockMs)) state.activeMs = clockMs;
    }
    for (const { partition, start, end } of ranges) {
      const state = states[partition] as Partition;
      if (state.next !== start) throw new Error(`partition ${partition} is at ${state.next}, not ${start}`);
      for (let offset = start; offset < end; offset += 1) {
        read += 1;
        const reason = verdict((log[partition] as readonly LogRecord[])[offset] as LogRecord, state);
        if (reason !== undefined) verdicts.push({ partition, offset, reason });
      }
      state.next = end;
    }
  }

  function verdict(
    { event, appendedMs, redrives, acceptLate = false }: LogRecord,
    state: Partition,
  ): string | undefined {
    if (redrives !== undefined) {
      if (redriven.has(redrives)) return 'DUPLICATE';
      redriven.add(redrives);
    }
    if (typeof event === 'string') return event;
    if (drawn.notAhead && event.at !== null && event.at > appendedMs + TOLERANCE_MS)
      return 'FUTURE_TIMESTAMP';
    const row = {
      ...event,
      shout: event.key?.toUpperCase() ?? null,
      twice: event.amount === null ? null : event.amount * 2n,
      tagged: event.tags?.length ?? null,
      isA: containsA(event.tags),
    };
    // What a filter holds back is accepted; what is written before the filter has seen it.
    const isHeld = !passes(drawn.filter, row);
    const behind = filterBehind(drawn);
    const seesTime = (): void => {
      if (event.at !== null) state.largest = Math.max(state.largest ?? -Infinity, event.at);
    };
    if (isHeld && !behind.includes('dedupe')) {
      if (behind.includes('watermark')) seesTime();
      return undefined;
    }
    const own = state.largest === null || delayMs === null ? -Infinity : state.largest - delayMs;
    const bound = Math.max(own, watermark ?? -Infinity);
    const id = drawn.dedupe === null ? undefined : plainText(drawn.dedupe.map((column) => row[column]));
    const known = id === undefined ? undefined : seen.get(id);
    const content = plainText(event);
    if (known !== undefined && (delayMs === null || known.at === null || known.at + delayMs >= bound)) {
      return known.content === content ? 'DUPLICATE' : 'CONFLICTING_DUPLICATE';
    }
    const isLate = event.at !== null && event.at < bound;
    if (isLate && (!acceptLate || (!isHeld && isFinalFor(row)))) return 'LATE';
    // One that is taken though late is known as if it were just in time.
    if (id !== undefined) seen.set(id, { at: event.at === null ? null : Math.max(event.at, bound), content });
    if (isHeld) {
      if (behind.includes('watermark')) seesTime();
      return undefined;
    }
    seesTime();
    rows.push(row);
    return undefined;
  }

  /** Whether append mode has emitted a window that the row belongs to, or a session that might have held it. */
  function isFinalFor(row: PlainEvent): boolean {
    const over = watermark;
    if (drawn.mode !== 'append' || over === null) return false;
    return drawn.aggregates.some((aggregate) =>
      aggregate.window.kind === 'session'
        ? row.at !== null && row.at < over
        : spansOf(aggregate, row.at, SETTINGS[drawn.setting] as Setting).some(([, end]) => end <= over),
    );
  }

  return {
    verdicts: verdicts
      .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
      .map(({ partition, offset, reason }) => `${partition}:${offset} ${reason}`),
    rows,
    read,
    watermarks,
    get idle() {
      return idle;
    },
    watermarkAt,
  };
}

const plainText = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));

/** Null where no tag is `a` and one of them is null. */
function containsA(tags: PlainEvent['tags']): boolean | null {
  if (tags === null) return null;
  if (tags.includes('a')) return true;
  return tags.includes(null) ? null : false;
}

/** A condition that is null is not true. */
function passes(filter: TypedCase['filter'], row: PlainEvent): boolean {
  switch (filter) {
    case 'none':
      return true;
    case 'amount':
      return row.amount !== null && row.amount > 0n;
    case 'key':
      return row.key !== null;
    case 'flag':
      return row.flag === false;
    case 'cat or big':
      return row.cat === 1 || row.big === null;
    case 'shout':
      return row.shout !== null && row.shout !== 'A';
  }
}

export type Cell = string | number | boolean | null;
/** What an estimate may be. */
export type Expected = Cell | { readonly about: number };

export interface Group {
  readonly key: readonly Cell[];
  readonly measures: readonly Expected[];
  /** When its window ends, epoch milliseconds; null where it has none. */
  readonly endMs: number | null;
}

/** All groups that these rows come to, whatever was closed on the way. */
export function groupsOf(drawn: TypedCase, aggregate: AggregateDraw, rows: readonly PlainEvent[]): Group[] {
  const setting = SETTINGS[drawn.setting] as Setting;
  const found = new Map<string, { key: Cell[]; endMs: number | null; rows: PlainEvent[] }>();
  const put = (span: readonly [number, number] | undefined, row: PlainEvent): void => {
    const cells = aggregate.keys.map((name) =>
      name === 'date' ? localDay(row.at, setting) : cellOf(drawn, name, row[name] ?? null),
    );
    const key = [...(span ?? []).map((ms) => new Date(ms).toISOString()), ...cells];
    const group = found.get(JSON.stringify(key)) ?? { key, endMs: span?.[1] ?? null, rows: [] };
    group.rows.push(row);
    found.set(JSON.stringify(key), group);
  };
  if (aggregate.window.kind === 'none') for (const row of rows) put(undefined, row);
  else if (aggregate.window.kind === 'session') putSessions();
  else for (const row of rows) for (const span of spansOf(aggregate, row.at, setting)) put(span, row);

  /** Rows of one key in order of time; a gap ends a session. Within one, rows stay in order of reading. */
  function putSessions(): void {
    const gapMs = GAP_MINUTES * MINUTE_MS;
    const timed = rows.filter(({ at }) => at !== null);
    const byKey = Map.groupBy(timed, (row) =>
      plainText(
        aggregate.keys.map((name) => (name === 'date' ? localDay(row.at, setting) : (row[name] ?? null))),
      ),
    );
    for (const each of byKey.values()) {
      const times = [...new Set(each.map(({ at }) => at as number))].sort((a, b) => a - b);
      const sessions: [number, number][] = [];
      for (const time of times) {
        const last = sessions.at(-1);
        if (last !== undefined && time < last[1]) last[1] = time + gapMs;
        else sessions.push([time, time + gapMs]);
      }
      for (const row of each) {
        const at = row.at as number;
        put(
          sessions.find(([start, end]) => start <= at && at < end),
          row,
        );
      }
    }
  }

  return [...found.values()].map(({ key, endMs, rows: members }) => ({
    key,
    endMs,
    measures: aggregate.measures.map(([kind, column]) => measured(drawn, kind, column, members)),
  }));
}

const offsetMs = (ms: number, { offsets }: Setting): number =>
  (offsets.findLast(([from]) => from <= ms)?.[1] ?? 0) * 60 * MINUTE_MS;

function localDay(at: number | null, setting: Setting): string | null {
  return at === null ? null : new Date(at + offsetMs(at, setting)).toISOString().slice(0, 10);
}

/** Every window `[start, end)` of the grid that holds the instant, found by looking at all that are near. */
function spansOf(
  aggregate: AggregateDraw,
  at: number | null,
  setting: Setting,
): (readonly [number, number])[] {
  const window = windowOf(aggregate.window);
  if (window === undefined || at === null) return [];
  const [size, slide, start] = [window.size, window.slide, window.start].map(
    (minutes) => minutes * MINUTE_MS,
  ) as [number, number, number];
  const isLocal = size % (24 * 60 * MINUTE_MS) === 0;
  const instantOf = (local: number): number => (isLocal ? firstShowing(local, setting) : local);
  const around = size + 2 * 24 * 60 * MINUTE_MS;
  const spans: (readonly [number, number])[] = [];
  let grid = Math.floor((at - around - start) / slide) * slide + start;
  for (; grid < at + around; grid += slide) {
    const span = [instantOf(grid), instantOf(grid + size)] as const;
    if (span[0] <= at && at < span[1]) spans.push(span);
  }
  return spans;
}

/** The first instant at which clocks show this time or a later one. */
function firstShowing(local: number, setting: Setting): number {
  for (const [index, [from, hours]] of setting.offsets.entries()) {
    const until = setting.offsets[index + 1]?.[0] ?? Infinity;
    const instant = Math.max(from, local - hours * 60 * MINUTE_MS);
    if (instant < until) return instant;
  }
  throw new Error('the last offset holds for ever');
}

/** A value as people see it. */
export function cellOf(drawn: TypedCase, name: ColumnName, value: PlainEvent[ColumnName]): Cell {
  if (value === null || value === undefined) return null;
  if (name === 'at') return new Date(value as number).toISOString();
  if (name === 'amount' || name === 'twice') return decimalText(value as bigint, drawn.scale);
  return typeof value === 'bigint' ? value.toString() : value;
}

function measured(
  drawn: TypedCase,
  kind: string,
  column: ColumnName | null,
  rows: readonly PlainEvent[],
): Expected {
  if (column === null) return rows.length;
  const all = rows.map((row) => row[column] ?? null);
  const values = all.filter((value) => value !== null);
  const shown = (value: PlainEvent[ColumnName] | undefined): Cell => cellOf(drawn, column, value ?? null);
  const sorted = (): typeof values => values.toSorted(compare);
  switch (kind) {
    case 'count':
      return values.length;
    case 'approxCountDistinct':
      return { about: new Set(values).size };
    case 'first':
      return shown(all[0]);
    case 'last':
      return shown(all.at(-1));
    case 'min':
      return shown(sorted()[0]);
    case 'max':
      return shown(sorted().at(-1));
    case 'sum':
      return values.length === 0 ? null : total(drawn, column, values);
    case 'avg':
      return values.length === 0 ? null : average(drawn, column, values);
    default:
      throw new Error(`no measure ${kind}`);
  }
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string') {
    const [left, right] = [a, b as string].map((text) =>
      Array.from(text, (each) => each.codePointAt(0) ?? 0),
    ) as [number[], number[]];
    const at = left.findIndex((point, index) => point !== right[index]);
    if (at < 0) return left.length - right.length;
    return (left[at] ?? -1) - (right[at] ?? -1);
  }
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

const exactSum = (values: readonly unknown[]): bigint =>
  values.reduce<bigint>((sum, value) => sum + BigInt(value as bigint | number), 0n);
/** Eighths, so that no order of adding rounds. */
const doubleSum = (values: readonly unknown[]): number =>
  values.reduce<number>((sum, value) => sum + (value as number), 0);

function total(drawn: TypedCase, column: ColumnName, values: readonly unknown[]): Cell {
  const kind = kindOf(drawn, column);
  if (kind === 'double') return doubleSum(values);
  return decimalText(exactSum(values), kind === 'decimal' ? drawn.scale : 0);
}

function average(drawn: TypedCase, column: ColumnName, values: readonly unknown[]): Cell {
  const kind = kindOf(drawn, column);
  if (kind === 'double') return doubleSum(values) / values.length;
  const sum = exactSum(values);
  if (kind !== 'decimal') return Number(sum) / values.length;
  // Four decimals more, half away from zero.
  const scaled = (sum < 0n ? -sum : sum) * 10_000n;
  const count = BigInt(values.length);
  const quotient = scaled / count + ((scaled % count) * 2n >= count ? 1n : 0n);
  return decimalText(sum < 0n ? -quotient : quotient, drawn.scale + 4);
}

/** Far more than the estimate is ever off at such counts. */
export function isWithinError(estimate: number, exact: number): boolean {
  return Math.abs(estimate - exact) <= 3 + 6 * RELATIVE_ERROR * exact;
}
