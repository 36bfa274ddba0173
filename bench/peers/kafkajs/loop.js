// The loop that a Node team would write first: KafkaJS, JSON.parse, a few checks, float sums. It keeps nothing but its offsets.
// Arguments: bootstrap servers, topic, events, folder that kafkajs is installed in.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [bootstrap = '', topic = '', events = '', folder = ''] = process.argv.slice(2);
const { Kafka, logLevel } = createRequire(join(folder, 'package.json'))('kafkajs');

const SEGMENTS = new Set(['Premium', 'Standard', 'Basic', undefined]);
/** @type {Map<string, number>} */
const totals = new Map();
let read = 0;
let accepted = 0;

/** @param {Record<string, any>} event */
function isValid(event) {
  const {
    event_id: id,
    quantity,
    unit_price: price,
    total_amount: total,
    discount_percentage: discount = 0,
  } = event;
  if (typeof id !== 'string' || id.length === 0 || id.length > 128) return false;
  if (typeof event.customer_id !== 'string' || Number.isNaN(Date.parse(event.timestamp))) return false;
  if (typeof event.product_category !== 'string' || event.currency?.length !== 3) return false;
  if (!SEGMENTS.has(event.customer_segment) || !Number.isInteger(quantity)) return false;
  if (
    quantity < 1 ||
    quantity > 10_000 ||
    !(price >= 0) ||
    !(total >= 0) ||
    !(discount >= 0 && discount <= 100)
  )
    return false;
  return Math.abs(price * quantity * (1 - discount / 100) - total) <= 0.011;
}

/** @param {Buffer | null} value */
function take(value) {
  read += 1;
  const event = JSON.parse(String(value));
  if (!isValid(event)) return;
  accepted += 1;
  const key = `${event.timestamp.slice(0, 10)} ${event.currency} ${event.product_category}`;
  totals.set(key, (totals.get(key) ?? 0) + event.total_amount);
}

const kafka = new Kafka({ clientId: 'loop', brokers: [bootstrap], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `loop-${process.pid}` });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
/** @type {PromiseWithResolvers<void>} */
const done = Promise.withResolvers();
await consumer.run({
  eachBatch: async (/** @type {{ batch: { messages: { value: Buffer | null }[] } }} */ { batch }) => {
    for (const { value } of batch.messages) take(value);
    if (read >= Number(events)) done.resolve();
  },
});
await done.promise;
await consumer.disconnect();
const total = [...totals.values()].reduce((sum, value) => sum + value, 0);
process.stdout.write(`${JSON.stringify({ read, accepted, total })}\n`);
