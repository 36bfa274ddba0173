// The figures that are asked for, and where the results of the benchmarks have them.

const QUERY = 'the query: all checks, dedupe, checkpoint';

/**
 * @typedef {object} Figure
 * @property {string} what
 * @property {string} atLeast as it was asked for
 * @property {string} result the name of a file in bench/results
 * @property {string} row
 * @property {readonly ('min' | 'median' | 'max' | 'p99' | 'p999')[]} columns
 * @property {number} [times] from the unit of the result to that of the figure
 * @property {string} unit
 */

/** @type {readonly Figure[]} */
export const FIGURES = [
  {
    what: 'drain from Kafka, all checks, dedupe and checkpoint on, against PySpark on the same topic',
    atLeast: '8×, aim 10×',
    result: 'drain-kafka-ratio',
    row: 'PySpark Structured Streaming',
    columns: ['median'],
    unit: '×',
  },
  {
    what: 'CPU seconds per million events from Kafka, start included',
    atLeast: '3.0, aim 2.0',
    result: 'drain-kafka-cpu',
    row: QUERY,
    columns: ['median'],
    unit: 's',
  },
  {
    what: 'drain from the embedded log',
    atLeast: '1,000,000 events/s',
    result: 'drain-rate',
    row: 'the query, all checks and the checkpoint',
    columns: ['median'],
    times: 1000,
    unit: 'events/s',
  },
  {
    what: 'latency produce → durable total at 1,000 events/s on Kafka, p50 / p99',
    atLeast: '4 / 15 ms, aim 3 / 10',
    result: 'latency',
    row: '1,000/s, Apache Kafka',
    columns: ['median', 'p99'],
    unit: 'ms',
  },
  {
    what: 'memory of the query after 1,000,000 events from the embedded log, all ids remembered',
    atLeast: 'under 150 MB',
    result: 'drain-memory',
    row: 'the query, all checks and the checkpoint',
    columns: ['median'],
    unit: 'MB',
  },
  {
    what: 'peak memory of the query in the drain from Kafka, 2 million ids remembered',
    atLeast: '200 MB',
    result: 'drain-kafka-memory',
    row: QUERY,
    columns: ['median'],
    unit: 'MB',
  },
  {
    what: 'producer to Kafka, acks all, idempotent',
    atLeast: '300,000 events/s',
    result: 'producer-rate',
    row: 'produce, Apache Kafka',
    columns: ['median'],
    times: 1000,
    unit: 'events/s',
  },
  {
    what: 'start to first printed batch, embedded, events waiting',
    atLeast: '0.4 s',
    result: 'start',
    row: 'on the Node that the package brings',
    columns: ['median'],
    times: 1 / 1000,
    unit: 's',
  },
  {
    what: 'throughput at 8 million events against at 1 million, both with their start',
    atLeast: 'within 10 %',
    result: 'growth-events-ratio',
    row: '8,000,000 events',
    columns: ['median'],
    unit: '×',
  },
  {
    what: 'the same, the start taken off both',
    atLeast: 'within 10 %',
    result: 'growth-events-ratio',
    row: '8,000,000 events, the start taken off',
    columns: ['median'],
    unit: '×',
  },
];
