/** Random queries over random events: plain draws, and what they mean as a plan and as records. */
import fc from 'fast-check';
import { optional, schema, types, type Field, type FieldType } from '../../../src/columns/schema/schema.ts';
import { columnTypeOf } from '../../../src/plan/expression/analyze.ts';
import { callNode, columnNode, type Expression } from '../../../src/plan/expression/node.ts';
import { literalOf } from '../../../src/plan/expression/literal.ts';
import type { Aggregate, GroupKey, Measure, OutputMode, QueryPlan } from '../../../src/plan/query-plan.ts';
import type { Step } from '../../../src/plan/step.ts';

export const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const TOLERANCE_MS = MINUTE_MS;
export const RELATIVE_ERROR = 0.05;

/** A zone, when the clock starts, and its offsets near that time in hours, each from an instant on. */
export interface Setting {
  readonly zone: string;
  readonly startMs: number;
  readonly offsets: readonly (readonly [fromMs: number, hours: number])[];
}

/** Days of 24, 25 and 23 hours, a day that begins at one o'clock, and times before 1970. */
export const SETTINGS: readonly Setting[] = [
  { zone: 'UTC', startMs: Date.UTC(2025, 5, 26, 12), offsets: [[-Infinity, 0]] },
  { zone: 'UTC', startMs: Date.UTC(1970, 0, 1, 4), offsets: [[-Infinity, 0]] },
  zoneOf('Europe/Berlin', Date.UTC(2025, 9, 26, 1), 2, 1),
  zoneOf('America/Havana', Date.UTC(2025, 2, 9, 5), -5, -4),
  zoneOf('America/Havana', Date.UTC(2025, 10, 2, 5), -4, -5),
];

function zoneOf(zone: string, changeMs: number, before: number, after: number): Setting {
  const offsets = [[-Infinity, before] as const, [changeMs, after] as const];
  return { zone, startMs: changeMs + 5 * HOUR_MS, offsets };
}

const KEYS = ['a', 'b', 'null', '', '__proto__', '[null]', '\u{1f600}', '\uff21', 'B', null] as const;
const BIGS = [1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 55n, null] as const;
const TAGS = [[], ['a'], ['b', null], [null, 'a'], ['', '\u{1f600}'], null] as const;
const COUNTRIES = ['x', '', null] as const;
/** So large that two of them are infinite together, and that small ones change nothing. */
const HUGE = 1.7e308;
const DAYS = ['2025-01-01', '1969-12-31', '0001-01-01', null] as const;

/** One event as drawn: small numbers that {@link eventOf} gives a meaning. */
export interface Draw {
  readonly broken: 'no' | 'json' | 'type' | 'missing' | 'empty';
  readonly id: number;
  readonly minutes: number | null;
  readonly key: number;
  readonly cat: number | null;
  readonly amount: number | null;
  readonly big: number;
  readonly ratio: number | null;
  readonly flag: boolean | null;
  readonly day: number;
  readonly tags: number;
  readonly country: number;
  /** An unknown field, which is never compared. */
  readonly extra: boolean;
  /** The same event as the one so many before it, in its own partition. */
  readonly repeats: number | null;
}

/** A decoded event: decimals and longs as whole numbers, instants as epoch milliseconds. */
export interface PlainEvent {
  readonly id: string | bigint | null;
  readonly at: number | null;
  readonly key: string | null;
  readonly cat: number | null;
  readonly amount: bigint | null;
  readonly big: bigint | null;
  readonly ratio: number | null;
  readonly flag: boolean | null;
  readonly day: string | null;
  readonly tags: readonly (string | null)[] | null;
  /** Of the struct `place`. */
  readonly country: string | null;
  readonly shout?: string | null;
  readonly twice?: bigint | null;
  /** How many tags. */
  readonly tagged?: number | null;
  /** Whether `a` is one of them. */
  readonly isA?: boolean | null;
}

/** Columns of single values. */
export type ColumnName = Exclude<keyof PlainEvent, 'tags'>;

export interface WindowDraw {
  readonly kind: 'none' | 'tumbling' | 'sliding' | 'days' | 'two days' | 'session';
  readonly shifted: boolean;
}

export interface AggregateDraw {
  readonly window: WindowDraw;
  readonly keys: readonly (
    'key' | 'cat' | 'amount' | 'flag' | 'shout' | 'date' | 'big' | 'day' | 'country' | 'tagged' | 'isA'
  )[];
  readonly measures: readonly (readonly [Measure['kind'], ColumnName | null])[];
}

export interface TypedCase {
  readonly setting: number;
  readonly partitions: number;
  /** Whether one id may stand in several partitions. */
  readonly acrossPartitions: boolean;
  readonly idType: 'string' | 'dictionary' | 'long';
  readonly timeIsOptional: boolean;
  readonly keyDictionary: boolean;
  readonly scale: number;
  readonly notAhead: boolean;
  readonly filter: 'none' | 'amount' | 'key' | 'flag' | 'cat or big' | 'shout';
  /** The operations that are written before the filter, as far as the query has them. */
  readonly filterBehind: readonly ('watermark' | 'dedupe')[];
  readonly delayMinutes: number | null;
  readonly idleMinutes: number;
  readonly dedupe: readonly ('id' | 'key' | 'shout' | 'cat' | 'at' | 'country')[] | null;
  readonly aggregates: readonly AggregateDraw[];
  readonly mode: OutputMode;
  readonly sink: 'none' | 'plain' | 'remembering';
  readonly segmentEntries: number;
  readonly events: readonly (readonly Draw[])[];
  readonly steps: readonly StepDraw[];
}

/** A record that is appended again as `dead-letters redrive` does it. */
export interface RedriveDraw {
  /** Of all records that are in the log by then. */
  readonly nth: number;
  readonly acceptLate: boolean;
}

export interface StepDraw {
  readonly append: readonly number[];
  readonly redrives: readonly RedriveDraw[];
  readonly offsetsMax: number;
  readonly crash:
    'no' | 'reading' | 'before sink' | 'after sink' | 'before commit' | 'after commit' | 'taken over';
  /** Which batch of the run meets it. */
  readonly crashAt: number;
  readonly advanceMinutes: number;
}

const NUMBERS = ['cat', 'amount', 'big', 'ratio'] as const;
const ALL = [
  'id',
  'at',
  'key',
  'cat',
  'amount',
  'big',
  'ratio',
  'flag',
  'day',
  'country',
  'shout',
  'twice',
  'tagged',
  'isA',
] as const;

const measure = fc.oneof(
  fc.constant(['count', null] as const),
  fc.tuple(fc.constantFrom('sum', 'avg'), fc.constantFrom(...NUMBERS, 'twice' as const, 'tagged' as const)),
  fc.tuple(
    fc.constantFrom('count', 'min', 'max', 'first', 'last', 'approxCountDistinct'),
    fc.constantFrom(...ALL),
  ),
) satisfies fc.Arbitrary<readonly [Measure['kind'], ColumnName | null]>;

const aggregate: fc.Arbitrary<AggregateDraw> = fc.record({
  window: fc.record({
    kind: fc.constantFrom(
      'none',
      'tumbling',
      'tumbling',
      'sliding',
      'days',
      'two days',
      'session',
      'session',
    ),
    shifted: fc.boolean(),
  }),
  keys: fc.uniqueArray(
    fc.constantFrom(
      'key',
      'cat',
      'amount',
      'flag',
      'shout',
      'date',
      'big',
      'day',
      'country',
      'tagged',
      'isA',
    ),
    { maxLength: 2 },
  ),
  measures: fc.array(measure, { minLength: 1, maxLength: 4 }),
});

const draw: fc.Arbitrary<Draw> = fc.record({
  broken: fc.oneof(
    { weight: 30, arbitrary: fc.constant('no' as const) },
    { weight: 1, arbitrary: fc.constantFrom('json', 'type', 'missing', 'empty') },
  ),
  id: fc.nat(9),
  minutes: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 200, max: 600 }) },
    { weight: 4, arbitrary: fc.integer({ min: 540, max: 604 }) },
    { weight: 2, arbitrary: fc.nat(600) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  key: fc.nat(KEYS.length - 1),
  cat: fc.option(fc.nat(2)),
  amount: fc.option(fc.integer({ min: -500, max: 500 })),
  big: fc.nat(BIGS.length - 1),
  ratio: fc.option(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 1, arbitrary: fc.constant(Infinity) },
    ),
  ),
  flag: fc.option(fc.boolean()),
  day: fc.nat(DAYS.length - 1),
  tags: fc.nat(TAGS.length - 1),
  country: fc.nat(COUNTRIES.length - 1),
  extra: fc.boolean(),
  repeats: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
  ),
});

const step: fc.Arbitrary<StepDraw> = fc.record({
  append: fc.array(fc.nat(12), { minLength: 3, maxLength: 3 }),
  redrives: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.record({ nth: fc.nat(1000), acceptLate: fc.boolean() }), { maxLength: 4 }),
    },
  ),
  offsetsMax: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 6, max: 30 })),
  crash: fc.constantFrom(
    'no',
    'no',
    'reading',
    'before sink',
    'after sink',
    'before commit',
    'after commit',
    'taken over',
  ),
  crashAt: fc.integer({ min: 1, max: 3 }),
  advanceMinutes: fc.constantFrom(0, 0, 1, 3),
});

export const typedCase: fc.Arbitrary<TypedCase> = fc
  .record({
    setting: fc.nat(SETTINGS.length - 1),
    partitions: fc.integer({ min: 1, max: 3 }),
    acrossPartitions: fc.constantFrom(false, false, true),
    idType: fc.constantFrom('string', 'dictionary', 'long'),
    timeIsOptional: fc.constantFrom(false, false, true),
    keyDictionary: fc.boolean(),
    scale: fc.constantFrom(0, 2, 4, 17),
    notAhead: fc.boolean(),
    filter: fc.constantFrom('none', 'none', 'amount', 'key', 'flag', 'cat or big', 'shout'),
    filterBehind: fc.constantFrom([], [], ['watermark'], ['dedupe'], ['watermark', 'dedupe']),
    delayMinutes: fc.constantFrom(null, 0, 5, 20, 60, 60),
    idleMinutes: fc.constantFrom(2, 1_000_000),
    dedupe: fc.constantFrom(
      null,
      ['id'],
      ['id'],
      ['id', 'key'],
      ['key', 'cat'],
      ['shout', 'id'],
      ['shout'],
      ['id', 'at'],
      ['id', 'country'],
    ),
    aggregates: fc.array(aggregate, { maxLength: 2 }),
    mode: fc.constantFrom('append', 'update', 'complete'),
    sink: fc.constantFrom('none', 'plain', 'plain', 'remembering', 'remembering'),
    segmentEntries: fc.constantFrom(1, 4, 64),
    events: fc.array(fc.array(draw, { maxLength: 24, size: 'max' }), { minLength: 3, maxLength: 3 }),
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  })
  .map((drawn) => meaningful(drawn as TypedCase));

/** What `planOf` would refuse is drawn towards what it takes. */
function meaningful(drawn: TypedCase): TypedCase {
  let { mode } = drawn;
  if (drawn.aggregates.length === 0) mode = 'append';
  const isFinished = drawn.delayMinutes !== null;
  const aggregates = drawn.aggregates.map((each): AggregateDraw => {
    if (mode === 'append' && each.window.kind === 'none')
      return { ...each, window: { kind: 'tumbling', shifted: false } };
    if (mode === 'update' && each.window.kind === 'session')
      return { ...each, window: { kind: 'sliding', shifted: false } };
    return each;
  });
  if (mode === 'append' && aggregates.length > 0 && !isFinished)
    return { ...drawn, mode, aggregates, delayMinutes: 5 };
  return { ...drawn, mode, aggregates };
}

/** The field's type of each column of an event. */
function typeOfColumn(drawn: TypedCase, name: ColumnName): FieldType {
  switch (name) {
    case 'id':
      return drawn.idType === 'long'
        ? types.long()
        : types.string({ dictionary: drawn.idType === 'dictionary' });
    case 'at':
      return types.timestamp();
    case 'key':
      return types.string({ dictionary: drawn.keyDictionary });
    case 'shout':
    case 'country':
      return types.string();
    case 'cat':
    case 'tagged':
      return types.int();
    case 'amount':
      return types.decimal(20, drawn.scale);
    case 'twice':
      return types.decimal(21, drawn.scale);
    case 'big':
      return types.long();
    case 'ratio':
      return types.double();
    case 'flag':
    case 'isA':
      return types.boolean();
    case 'day':
      return types.date();
  }
}

export function kindOf(drawn: TypedCase, name: ColumnName): FieldType['kind'] {
  return typeOfColumn(drawn, name).kind;
}

/** Where a column lies in the events, or in what is computed of them. */
const pathOf = (name: string): string => (name === 'country' ? 'place.country' : name);

export const EVENT_COLUMNS = ['id', 'at', 'key', 'cat', 'amount', 'big', 'ratio', 'flag', 'day'] as const;

export function planOfCase(drawn: TypedCase, topic: string): QueryPlan {
  const fields: Field[] = EVENT_COLUMNS.map((name) => ({
    name,
    type: typeOfColumn(drawn, name),
    required: name === 'at' && !drawn.timeIsOptional,
    doc: name,
  }));
  const place = types.struct([optional('country', types.string(), 'country')]);
  const tags = types.array(types.string(), { containsNull: true });
  const events = schema([...fields, optional('place', place, 'place'), optional('tags', tags, 'tags')]);
  const computed = (name: string, expression: Expression): Step => {
    return { kind: 'withColumn', name, expression, type: columnTypeOf(expression, events, name) };
  };
  const steps: Step[] = [
    computed('shout', callNode('upper', [columnNode('key')])),
    computed('twice', callNode('plus', [columnNode('amount'), columnNode('amount')])),
    computed('tagged', callNode('size', [columnNode('tags')])),
    computed('isA', callNode('arrayContains', [columnNode('tags'), literalOf('a')])),
  ];
  const condition = conditionOf(drawn.filter);
  if (condition !== undefined) {
    const behind = filterBehind(drawn);
    steps.push({ kind: 'filter', condition, ...(behind.length > 0 && { behind }) });
  }
  const aggregates = drawn.aggregates.map((each, index) => aggregateOf(each, `totals${index}`));
  return {
    name: 'typed-query',
    topic,
    schema: events,
    valueBytesMax: 1024 * 1024,
    assumeTimeZone: null,
    rules: drawn.notAhead ? [{ kind: 'notAhead', field: 'at', toleranceMs: TOLERANCE_MS }] : [],
    watermark: {
      column: drawn.delayMinutes === null ? null : 'at',
      delayMs: drawn.delayMinutes === null ? null : drawn.delayMinutes * MINUTE_MS,
      idleTimeoutMs: drawn.idleMinutes * MINUTE_MS,
    },
    steps,
    dedupe: drawn.dedupe === null ? null : { columns: drawn.dedupe.map(pathOf) },
    timeZone: (SETTINGS[drawn.setting] as Setting).zone,
    aggregates,
    rows: aggregates.length > 0 ? null : [...ALL, 'tags'].map((name) => ({ name, column: pathOf(name) })),
    outputMode: drawn.mode,
  };
}

export function filterBehind(drawn: TypedCase): readonly ('watermark' | 'dedupe')[] {
  return drawn.filterBehind.filter((each) =>
    each === 'watermark' ? drawn.delayMinutes !== null : drawn.dedupe !== null,
  );
}

export const ROW_COLUMNS = ALL;

function conditionOf(filter: TypedCase['filter']): Expression | undefined {
  const column = columnNode;
  switch (filter) {
    case 'none':
      return undefined;
    case 'amount':
      return callNode('gt', [column('amount'), literalOf(0)]);
    case 'key':
      return callNode('isNotNull', [column('key')]);
    case 'flag':
      return callNode('not', [column('flag')]);
    case 'cat or big':
      return callNode('or', [
        callNode('eq', [column('cat'), literalOf(1)]),
        callNode('isNull', [column('big')]),
      ]);
    case 'shout':
      return callNode('ne', [column('shout'), literalOf('A')]);
  }
}

/** Sizes in minutes, for the plan and for the oracle. */
export function windowOf({
  kind,
  shifted,
}: WindowDraw): { size: number; slide: number; start: number } | undefined {
  const day = 24 * 60;
  switch (kind) {
    case 'tumbling':
      return { size: 15, slide: 15, start: shifted ? 7 : 0 };
    case 'sliding':
      return { size: 50, slide: 20, start: shifted ? -13 : 0 };
    case 'days':
      return { size: day, slide: day, start: shifted ? 150 : 0 };
    case 'two days':
      return { size: 2 * day, slide: day, start: shifted ? 60 : 0 };
    case 'none':
    case 'session':
      return undefined;
  }
}

export const GAP_MINUTES = 12;

function aggregateOf(each: AggregateDraw, name: string): Aggregate {
  const keys: GroupKey[] = each.keys.map((key) =>
    key === 'date'
      ? { kind: 'date', name: 'date', column: 'at' }
      : { kind: 'column', name: key, column: pathOf(key) },
  );
  const window = windowOf(each.window);
  if (window !== undefined) {
    keys.unshift({
      kind: 'window',
      name: 'window',
      column: 'at',
      sizeMs: window.size * MINUTE_MS,
      slideMs: window.slide * MINUTE_MS,
      startMs: window.start * MINUTE_MS,
    });
  }
  if (each.window.kind === 'session') {
    keys.unshift({ kind: 'sessionWindow', name: 'session', column: 'at', gapMs: GAP_MINUTES * MINUTE_MS });
  }
  const measures = each.measures.map(([kind, column], index): Measure => {
    const measureName = `measure${index}`;
    if (column === null) return { kind: 'count', name: measureName };
    const path = pathOf(column);
    if (kind === 'approxCountDistinct')
      return { kind, name: measureName, column: path, relativeError: RELATIVE_ERROR };
    return { kind, name: measureName, column: path };
  });
  return { name, keys, measures };
}

/** The events that one partition's draws stand for, in order, each with its bytes. */
export interface CaseRecord {
  readonly value: Uint8Array;
  /** The decoded event, or the reason for which it is none. */
  readonly event: PlainEvent | string;
}

export function recordsOf(drawn: TypedCase, partition: number): CaseRecord[] {
  const draws = drawn.events[partition] as readonly Draw[];
  return draws.map((own, index) => {
    const earlier = own.repeats === null ? undefined : draws[index - own.repeats];
    const meant = earlier === undefined ? own : { ...earlier, extra: own.extra };
    return recordOf(drawn, meant, partition);
  });
}

function recordOf(drawn: TypedCase, own: Draw, partition: number): CaseRecord {
  const event = eventOf(drawn, own, partition);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const text = jsonOf(drawn, event, own.extra);
  if (own.broken === 'json') return { value: encode(text.slice(0, -1)), event: 'MALFORMED_JSON' };
  if (own.broken === 'empty') return { value: encode(''), event: 'EMPTY' };
  if (!drawn.timeIsOptional && (own.broken === 'missing' || event.at === null)) {
    return { value: encode(jsonOf(drawn, { ...event, at: null }, own.extra)), event: 'MISSING_FIELD' };
  }
  if (own.broken === 'type') {
    return { value: encode(text.replace('"cat":', '"cat":"1","x":')), event: 'WRONG_TYPE' };
  }
  return { value: encode(text), event };
}

function eventOf(drawn: TypedCase, own: Draw, partition: number): PlainEvent {
  const number = drawn.acrossPartitions ? own.id : partition * 100 + own.id;
  const { startMs } = SETTINGS[drawn.setting] as Setting;
  return {
    id:
      own.id === 9 && drawn.acrossPartitions ? null : drawn.idType === 'long' ? BigInt(number) : `e${number}`,
    at: own.minutes === null ? null : startMs - 10 * HOUR_MS + own.minutes * MINUTE_MS,
    key: KEYS[own.key] ?? null,
    cat: own.cat,
    amount: own.amount === null ? null : BigInt(own.amount),
    big: BIGS[own.big] ?? null,
    ratio: own.ratio === null ? null : own.ratio === Infinity ? HUGE : own.ratio / 8,
    flag: own.flag,
    day: DAYS[own.day] ?? null,
    tags: TAGS[own.tags] ?? null,
    country: COUNTRIES[own.country] ?? null,
  };
}

/** A null is written or left out, which is the same. */
function jsonOf(drawn: TypedCase, event: PlainEvent, extra: boolean): string {
  const parts: string[] = [];
  for (const name of EVENT_COLUMNS) {
    const value = event[name];
    if (value === null && extra && name !== 'cat') continue;
    parts.push(`${JSON.stringify(name)}:${valueText(drawn, name, value)}`);
  }
  parts.push(...placeOf(event.country, extra));
  if (event.tags !== null || !extra) parts.push(`"tags":${JSON.stringify(event.tags)}`);
  if (extra) parts.unshift('"unknown":[1,{"id":2}]');
  return `{${parts.join(extra ? ' , ' : ',')}}`;
}

/** A struct that is absent, null, or holds a null: all the same. */
function placeOf(country: string | null, extra: boolean): string[] {
  if (country !== null) return [`"place":{"country":${JSON.stringify(country)}}`];
  return extra ? ['"place":{"town":1}'] : ['"place":null'];
}

function valueText(drawn: TypedCase, name: ColumnName, value: PlainEvent[ColumnName]): string {
  if (value === null || value === undefined) return 'null';
  if (name === 'at') return JSON.stringify(new Date(value as number).toISOString());
  if (name === 'amount') return decimalText(value as bigint, drawn.scale);
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

/** `-0.05` of -5 and two decimals. */
export function decimalText(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
