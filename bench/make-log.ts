/** An embedded log with purchases as `produce` makes them, but with as many categories and as much event time as are asked for. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedLog } from '../src/log/embedded/log.ts';
import { systemClock } from '../src/observe/system-clock.ts';

const TOPIC = 'purchasing_events';
const PARTITIONS = 4;
const APPEND_RECORDS = 5_000;
const CUSTOMERS = 20_000;
/** Before the newest event, so that none is in the future by the time it is read. */
const MARGIN_MS = 60_000;

export interface LogShape {
  readonly events: number;
  /** Taken in turn. */
  readonly categories: number;
  /** Event time goes on by so much with every event. */
  readonly stepMs: number;
}

/** Fills `<dataDir>/log.db`. */
export async function makeLog(dataDir: string, { events, categories, stepMs }: LogShape): Promise<void> {
  mkdirSync(dataDir, { recursive: true });
  const log = await openEmbeddedLog({ path: join(dataDir, 'log.db'), clock: systemClock });
  const encoder = new TextEncoder();
  const startMs = systemClock.nowMs() - MARGIN_MS - Math.ceil(events * stepMs);
  try {
    await log.createTopic(TOPIC, { partitions: PARTITIONS });
    for (let first = 0; first < events; first += APPEND_RECORDS) {
      const count = Math.min(APPEND_RECORDS, events - first);
      const records = Array.from({ length: count }, (_, index) => {
        const at = first + index;
        const customer = `customer_${String((at * 7_919) % CUSTOMERS).padStart(5, '0')}`;
        const timestampMs = startMs + Math.floor(at * stepMs);
        const text = purchase(at, customer, `category_${at % categories}`, timestampMs);
        return { key: encoder.encode(customer), value: encoder.encode(text), timestampMs };
      });
      await log.append(TOPIC, records);
    }
  } finally {
    await log.close();
  }
}

/** With all the fields of one that is produced, in their order, and about as long. */
function purchase(at: number, customer: string, category: string, timestampMs: number): string {
  const quantity = 1 + (at % 5);
  const cents = 100 + ((at * 37) % 50_000);
  const id = (BigInt(at) * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
  return `{"event_id":"purchase_${timestampMs}_${id.toString(16).padStart(16, '0')}","timestamp":"${rfc3339(timestampMs)}","customer_id":"${customer}","customer_segment":"Standard","product_id":"product_${at % 500}","product_name":"Item number ${at % 500}","product_category":"${category}","quantity":${quantity},"unit_price":${money(cents)},"total_amount":${money(cents * quantity)},"currency":"USD","payment_method":"credit_card","order_source":"mobile_app","device_type":"smartphone","location":{"country":"United Kingdom","city":"Manchester"},"discount_percentage":0.00,"is_new_customer":false}`;
}

function money(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}

function rfc3339(timestampMs: number): string {
  return new Date(timestampMs).toISOString();
}
