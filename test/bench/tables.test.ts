import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { withTables } from '../../scripts/bench/tables.js';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url));

test('the tables of docs/performance.md are those of bench/results (npm run bench-tables makes them)', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const options = await resolveConfig(PAGE);
  assert.equal(await format(withTables(page, RESULTS), { ...options, filepath: PAGE }), page);
});

test('docs/performance.md has a place for every result', () => {
  const page = readFileSync(PAGE, 'utf8');
  for (const file of readdirSync(RESULTS)) {
    assert.ok(page.includes(`<!-- result ${file.replace('.json', '')} -->`), file);
  }
});

test('a table has the rows of its result, with three digits', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-tables-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const machine = {
    date: '2026-01-02',
    cpu: 'a CPU',
    cores: 2,
    memoryGiB: 8,
    node: 'v26',
    sqlite: '3',
    kafka: '4',
  };
  const rows = { 'the query': { min: 1, median: 1234.5, max: 1e6 } };
  const result = { question: 'How many?', unit: 'events/s: min, median, max', machine, rows };
  writeFileSync(join(folder, 'many.json'), JSON.stringify(result));
  const made = withTables(
    '# A\n<!-- result many -->\nold\n<!-- end -->\nb <!-- result none -->\n<!-- end -->\n',
    folder,
  );
  assert.equal(
    made,
    `# A
<!-- result many -->

**How many?**, events/s (a CPU, 2 cores, 8 GiB; node v26; sqlite 3; kafka 4; 2026-01-02):

| | min | median | max |
| --- | ---: | ---: | ---: |
| the query | 1 | 1,230 | 1,000,000 |

<!-- end -->
b <!-- result none -->

_none: not measured yet._

<!-- end -->
`,
  );
});

test('a figure is taken from the row and the columns that it names', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-tables-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const rows = { '1,000/s, Apache Kafka': { median: 3, p99: 9, p999: 20, max: 30 } };
  writeFileSync(join(folder, 'latency.json'), JSON.stringify({ question: '', unit: '', machine: {}, rows }));
  const made = withTables('<!-- result figures -->\n<!-- end -->', folder);
  assert.match(made, /\| latency [^|]+\| 4 \/ 15 ms, aim 3 \/ 10 \| 3 \/ 9 ms \| `latency\.json` \|/);
  assert.match(made, /\| drain from the embedded log [^|]*\| [^|]+\| not measured yet \|/);
});
