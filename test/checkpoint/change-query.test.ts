/** Each row of the table in docs/reference/query-changes.md, on a checkpoint that holds batches. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { QueryChangeNote } from '../../src/checkpoint/open/changed-query.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import { optional, schema, types } from '../../src/columns/schema/schema.ts';
import { columnNode } from '../../src/plan/expression/node.ts';
import type { Aggregate, OutputMode, QueryPlan } from '../../src/plan/query-plan.ts';
import type { Step } from '../../src/plan/step.ts';
import { commitOf, freshLocation, hasCode, open, planOf, QUERY } from './support/batches.ts';

const [CATEGORIES, ALL] = QUERY.aggregates as [Aggregate, Aggregate];
const NEW: Aggregate = { name: 'cities', keys: [], measures: [{ kind: 'count', name: 'n' }] };
const OTHER: Aggregate = { ...NEW, measures: [{ kind: 'sum', name: 'sum', column: 'amount' }] };
const WINDOWS: Aggregate = {
  name: 'hours',
  keys: [
    { kind: 'window', name: 'hour', column: 'timestamp', sizeMs: 3_600_000, slideMs: 3_600_000, startMs: 0 },
  ],
  measures: [{ kind: 'count', name: 'n' }],
};
const FILTER: Step = { kind: 'filter', condition: columnNode('is_open') };
const computed = (name: string, from: string): Step => ({
  kind: 'withColumn',
  name,
  expression: columnNode(from),
  type: types.string(),
});
/** Its aggregate is made of `place_name`, which is made of `town`. */
const COMPUTED: QueryPlan = {
  ...QUERY,
  steps: [computed('town', 'place.city'), computed('place_name', 'town'), computed('shown', 'category')],
  aggregates: [{ ...NEW, keys: [{ kind: 'column', name: 'place', column: 'place_name' }] }],
};
const STATELESS: QueryPlan = {
  ...QUERY,
  aggregates: [],
  rows: [{ name: 'id', column: 'event_id' }],
  outputMode: 'append',
};

/** A checkpoint of `before` with batches 0 and 1, opened as `after`. */
async function change(t: TestContext, before: QueryPlan, after: QueryPlan) {
  const location = freshLocation(t);
  const runner = await open(location, { plan: before });
  runner.commit(
    commitOf(0, {
      aggregates: before.aggregates.slice(0, 1).map(({ name }) => ({
        aggregate: name,
        added: [],
        closed: [],
        removed: [],
        totals: [],
      })),
    }),
  );
  runner.commit(commitOf(1));
  runner.close();
  const reopened = await reopen(location, after);
  return { location, ...reopened };
}

async function reopen(location: string, plan: QueryPlan) {
  const notes: QueryChangeNote[] = [];
  const checkpoint = await open(location, { plan, onQueryChanged: (note) => notes.push(note) });
  return { checkpoint, notes };
}

/** What is kept without a word. */
const kept: [string, QueryPlan, QueryPlan][] = [
  ['the same query', QUERY, QUERY],
  ['a filter', QUERY, { ...QUERY, steps: [FILTER] }],
  ['rules', QUERY, { ...QUERY, rules: [{ kind: 'characters', field: 'event_id', min: 1, max: 2 }] }],
  ['limits of an event', QUERY, { ...QUERY, valueBytesMax: 5 }],
  ['the zone of times without one', QUERY, { ...QUERY, assumeTimeZone: 'Asia/Tokyo' }],
  ['the idle timeout', QUERY, { ...QUERY, watermark: { ...QUERY.watermark, idleTimeoutMs: 1 } }],
  ['the order of aggregates', QUERY, { ...QUERY, aggregates: [ALL, CATEGORIES] }],
  [
    'output columns of a stateless query',
    STATELESS,
    {
      ...STATELESS,
      steps: [computed('shown', 'category')],
      rows: [{ name: 'shown', column: 'shown' }],
    },
  ],
  [
    'computed columns that no state is made of',
    COMPUTED,
    { ...COMPUTED, steps: [...COMPUTED.steps.slice(0, 2), computed('shown', 'place.city')] },
  ],
];

for (const [what, before, after] of kept) {
  test(`goes on with a change of ${what}`, async (t) => {
    const { checkpoint, notes } = await change(t, before, after);
    assert.equal(checkpoint.lastCommit()?.batchId, 1);
    assert.deepEqual(notes, []);
    checkpoint.commit(commitOf(2));
  });
}

const refused: [string, QueryPlan, QueryPlan, string][] = [
  ['the topic', QUERY, { ...QUERY, topic: 'orders' }, 'log.topic was "purchases"'],
  ['the name', QUERY, { ...QUERY, name: 'other' }, 'query.name was'],
  [
    'the schema',
    QUERY,
    { ...QUERY, schema: schema([...QUERY.schema.fields, optional('more', types.string(), '')]) },
    'added "more STRING"',
  ],
  ['the time zone', QUERY, { ...QUERY, timeZone: 'Asia/Tokyo' }, 'query.time_zone was "UTC"'],
  [
    'the watermark delay',
    QUERY,
    { ...QUERY, watermark: { ...QUERY.watermark, delayMs: 1000 } },
    'query.watermark_delay was "1 hour" and is now "1 second"',
  ],
  [
    'the event time',
    QUERY,
    { ...QUERY, watermark: { ...QUERY.watermark, column: 'other' } },
    'event time column was "timestamp"',
  ],
  ['the dedupe columns', QUERY, { ...QUERY, dedupe: null }, 'dedupe columns was "event_id"'],
  [
    'the keys of an aggregate',
    QUERY,
    { ...QUERY, aggregates: [{ ...CATEGORIES, keys: CATEGORIES.keys.slice(1) }, ALL] },
    'added "categories: sum of amount as total, count as transactions by category as category"',
  ],
  [
    'a measure of an aggregate',
    QUERY,
    {
      ...QUERY,
      aggregates: [CATEGORIES, { ...ALL, measures: [{ kind: 'avg', name: 'mean', column: 'amount' }] }],
    },
    'added "all: avg of amount as mean by nothing"',
  ],
  [
    'an added measure',
    QUERY,
    {
      ...QUERY,
      aggregates: [CATEGORIES, { ...ALL, measures: [...ALL.measures, ...OTHER.measures] }],
    },
    'sum of amount as sum',
  ],
  [
    'the name of an aggregate',
    QUERY,
    { ...QUERY, aggregates: [CATEGORIES, { ...ALL, name: 'everything' }] },
    'removed "all: count',
  ],
  [
    "an aggregate's name in other letters",
    QUERY,
    { ...QUERY, aggregates: [CATEGORIES, { ...ALL, name: 'ALL' }] },
    'added "ALL: count',
  ],
  [
    'a computed column that a key is made of',
    COMPUTED,
    { ...COMPUTED, steps: [computed('town', 'category'), ...COMPUTED.steps.slice(1)] },
    'computed columns: removed "town: place.city as string", added "town: category as string"',
  ],
  [
    'a computed event time',
    {
      ...STATELESS,
      steps: [computed('when', 'timestamp')],
      watermark: { ...QUERY.watermark, column: 'when' },
    },
    { ...STATELESS, steps: [computed('when', 'other')], watermark: { ...QUERY.watermark, column: 'when' } },
    'computed columns',
  ],
];

for (const [what, before, after, words] of refused) {
  test(`refuses a change of ${what}, and names it`, async (t) => {
    await assert.rejects(change(t, before, after), hasCode('CHECKPOINT_QUERY_CHANGED', words));
  });
}

test('a refused change leaves the checkpoint to the query as it was', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  const mixed = { ...QUERY, timeZone: 'Asia/Tokyo', aggregates: [CATEGORIES, ALL, NEW] };
  await assert.rejects(
    open(location, { plan: mixed, takeOver: true }),
    hasCode('CHECKPOINT_QUERY_CHANGED', 'time_zone'),
  );
  first.commit(commitOf(0));
  first.close();
  const { checkpoint, notes } = await reopen(location, QUERY);
  assert.deepEqual(notes, []);
  assert.throws(() => [...checkpoint.groups(NEW.name)], hasCode('CHECKPOINT_QUERY_CHANGED'));
});

test('an added aggregate starts from now, which is said once', async (t) => {
  const plan = { ...QUERY, aggregates: [NEW, ...QUERY.aggregates] };
  const { location, checkpoint, notes } = await change(t, QUERY, plan);
  assert.equal(notes.length, 1);
  assert.deepEqual(
    { ...notes[0], words: '' },
    { change: 'aggregate added', name: 'cities', batchId: 2, words: '' },
  );
  assert.match(notes[0]?.words ?? '', /cities is new: it counts from batch 2 on/);
  assert.deepEqual([...checkpoint.groups('cities')], []);
  const group = { key: [], measures: [7] };
  checkpoint.commit(
    commitOf(2, {
      aggregates: [{ aggregate: 'cities', added: [], closed: [], removed: [], totals: [group] }],
    }),
  );
  checkpoint.close();
  const again = await reopen(location, plan);
  assert.deepEqual(again.notes, []);
  assert.deepEqual([...again.checkpoint.groups('cities')], [group]);
});

test('an aggregate that is added before the first batch has missed nothing', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const { checkpoint, notes } = await reopen(location, { ...QUERY, aggregates: [CATEGORIES, ALL, NEW] });
  assert.deepEqual(notes, []);
  assert.deepEqual([...checkpoint.groups('cities')], []);
});

test('a removed aggregate keeps its totals, and cannot come back with a gap', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  const group = { key: [], measures: [2] };
  first.commit(
    commitOf(0, { aggregates: [{ aggregate: 'all', added: [], closed: [], removed: [], totals: [group] }] }),
  );
  first.close();
  const plan = { ...QUERY, aggregates: [CATEGORIES] };
  const without = await reopen(location, plan);
  assert.equal(without.notes.length, 1);
  assert.deepEqual(
    [without.notes[0]?.change, without.notes[0]?.name, without.notes[0]?.batchId],
    ['aggregate removed', 'all', 1],
  );
  without.checkpoint.close();

  const back = await reopen(location, QUERY);
  assert.deepEqual(
    back.notes.map(({ change: what, name }) => [what, name]),
    [['aggregate resumed', 'all']],
    'nothing was committed without it',
  );
  assert.deepEqual([...back.checkpoint.groups('all')], [group]);
  back.checkpoint.close();

  const gone = await reopen(location, plan);
  gone.checkpoint.commit(commitOf(1));
  gone.checkpoint.close();
  await assert.rejects(
    open(location),
    hasCode('CHECKPOINT_QUERY_CHANGED', 'aggregate all was "not counted from batch 1 on"', 'with a gap'),
  );
  await assert.rejects(
    open(location, { plan: { ...QUERY, aggregates: [CATEGORIES, { ...OTHER, name: 'all' }] } }),
    hasCode('CHECKPOINT_QUERY_CHANGED', 'removed "all: count'),
    'its name belongs to the old totals',
  );
  const view = openCheckpointView({ location });
  assert.deepEqual([...view.groups('all')], [group]);
  view.close();
  assert.deepEqual((await reopen(location, plan)).notes, []);
});

test('aggregates are not changed under a batch that is planned, since a sink may hold it', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.commit(commitOf(0));
  first.writePlan(planOf(1));
  first.close();
  for (const aggregates of [[CATEGORIES], [CATEGORIES, ALL, NEW]]) {
    await assert.rejects(
      open(location, { plan: { ...QUERY, aggregates } }),
      hasCode('CHECKPOINT_QUERY_CHANGED', 'batch 1 was "planned with other aggregates"'),
    );
  }
  await reopen(location, { ...QUERY, steps: [FILTER] });
});

const MODES: readonly OutputMode[] = ['append', 'update', 'complete'];
/** From, to, and whether it is kept with windows that close and with groups that never do. */
const modes: Record<OutputMode, Record<OutputMode, readonly [boolean, boolean]>> = {
  append: { append: [true, true], update: [false, false], complete: [false, false] },
  update: { append: [false, false], update: [true, true], complete: [false, true] },
  complete: { append: [false, false], update: [true, true], complete: [true, true] },
};

for (const stored of MODES) {
  for (const asked of MODES) {
    for (const [index, aggregate] of [WINDOWS, ALL].entries()) {
      const isKept = modes[stored][asked][index];
      const verb = isKept === true ? 'goes on' : 'refuses to go on';
      const over = aggregate === WINDOWS ? 'windows' : 'groups that never close';
      test(`${verb} from output mode ${stored} to ${asked} over ${over}`, async (t) => {
        const before = { ...QUERY, aggregates: [aggregate], outputMode: stored };
        const changed = change(t, before, { ...before, outputMode: asked });
        if (isKept !== true) {
          await assert.rejects(
            changed,
            hasCode('CHECKPOINT_QUERY_CHANGED', `output mode was "${stored}" and is now "${asked}"`),
          );
          return;
        }
        const { notes } = await changed;
        assert.deepEqual(
          notes.map(({ change: what, name, batchId }) => [what, name, batchId]),
          stored === asked ? [] : [['output mode', asked, 2]],
        );
      });
    }
  }
}

test('a stateless query may become one with an aggregate, whatever its mode', async (t) => {
  const { notes } = await change(t, STATELESS, {
    ...STATELESS,
    rows: null,
    aggregates: [NEW],
    outputMode: 'complete',
  });
  assert.deepEqual(
    notes.map(({ change: what }) => what),
    ['aggregate added', 'output mode'],
  );
});
