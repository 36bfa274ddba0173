/** The loop that one would write first: JSON.parse, a few checks, float sums, and a Set of ids. It commits nothing. */
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';

interface Purchase {
  event_id: string;
  timestamp: string;
  product_category: string;
  currency: string;
  total_amount: number;
  unit_price: number;
  quantity: number;
}

const topic = 'purchasing_events';
const log = await openEmbeddedLog({
  path: process.argv[2] ?? 'data/log.db',
  clock: systemClock,
  readOnly: true,
});
const decoder = new TextDecoder('utf-8', { fatal: true });
const ids = new Set<string>();
const totals = new Map<string, number>();
let invalid = 0;
for (const { partition, earliest, latest } of await log.offsets(topic)) {
  for await (const chunk of log.read({ topic, partition, start: earliest, end: latest })) {
    for (let row = 0; row < chunk.count; row += 1) {
      const event = JSON.parse(
        decoder.decode(chunk.bytes.subarray(chunk.valueStart[row], chunk.valueEnd[row])),
      ) as Purchase;
      if (event.quantity < 1 || event.unit_price < 0 || Number.isNaN(Date.parse(event.timestamp))) {
        invalid += 1;
        continue;
      }
      if (ids.has(event.event_id)) continue;
      ids.add(event.event_id);
      const key = `${event.timestamp.slice(0, 10)} ${event.currency} ${event.product_category}`;
      totals.set(key, (totals.get(key) ?? 0) + event.total_amount);
    }
  }
}
await log.close();
process.stdout.write(`${JSON.stringify({ events: ids.size, invalid, totals: [...totals] })}\n`);
