// Makes docs/api/options.md from the tables of src/options, which are also what checks the options.
import { KAFKA_KEYS } from '../../src/options/kafka-keys.ts';
import { KAFKA_NAMES, kafkaName } from '../../src/options/kafka-names.ts';
import { QUERY_OPTIONS } from '../../src/options/query-options.ts';
import { SINKS } from '../../src/options/sink-options.ts';
import { SOURCES } from '../../src/options/source-options.ts';

/** @typedef {{ name: string, takes: string, default: string | undefined, doc: string }} Row */

const ABOUT = `Every option of a source, a sink and a query, with what it takes and its default.

- A **duration** has its unit, and amounts add up: \`5s\`, \`500 ms\`, \`1.5 seconds\`, \`10 minutes\`, \`1 hour 30 minutes\`, \`1 week\`.
- A **size** is a number of bytes, or has its unit: \`64 MiB\` (1024 × 1024), \`64 MB\` (1000 × 1000).
- A **number** and **true or false** may be a value of the program or a text.
- A source takes its names in any case, as Spark does. The compiler knows them as they are written here.

An option that there is not, or a value that an option cannot have, is refused by the call that sets it.
`;

/** @returns {string} */
export function optionsPage() {
  const sources = Object.entries(SOURCES).map(
    ([format, { options }]) => `## Source \`${format}\`\n\n${table(rowsOf(options))}`,
  );
  const sinks = Object.entries(SINKS).map(([format, { options }]) => {
    const rows = rowsOf(options);
    return `## Sink \`${format}\`\n\n${rows.length === 0 ? 'It takes none.\n' : table(rows)}`;
  });
  return [
    '# Options\n',
    ABOUT,
    `## Query\n\n\`writeStream.option(name, value)\`.\n\n${table(rowsOf(QUERY_OPTIONS))}`,
    ...sources,
    `## Kafka's own\n\nThe source \`kafka\` takes them too, under Kafka's names. Times are whole milliseconds, without a unit.\n\n${table(kafkaRows())}`,
    ...sinks,
  ].join('\n');
}

/**
 * @param {import('../../src/options/option.ts').OptionTable} options
 * @returns {readonly Row[]}
 */
function rowsOf(options) {
  return Object.entries(options).map(([name, { type, default: fallback, doc }]) => {
    return { name, takes: type.expected, default: fallback, doc };
  });
}

/** @returns {readonly Row[]} */
function kafkaRows() {
  return Object.values(KAFKA_KEYS).flatMap(({ name, type, defaultText, doc }) => {
    const names = KAFKA_NAMES.filter((each) => kafkaName(each)?.path === `kafka.${name}`);
    return names.map((each) => {
      const takes = each.endsWith('.ms') ? 'milliseconds' : type.expected;
      return { name: `kafka.${each}`, takes, default: defaultText, doc };
    });
  });
}

/** @param {readonly Row[]} rows */
function table(rows) {
  const lines = rows.map(({ name, takes, default: fallback, doc }) => {
    const shown = fallback === undefined ? '' : `\`${fallback}\``;
    return `| \`${name}\` | ${takes} | ${shown} | ${doc} |`;
  });
  return `| option | takes | default | what |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}
