import type * as Yaml from 'yaml';
import { closest } from '../../values/did-you-mean.ts';
import { kafkaName } from '../../options/kafka-names.ts';
import { KEYS, type ListedKey } from './key-list.ts';
import { didYouMean, nameStart, quoteName, type ConfigProblem } from '../../options/problems.ts';
import { describeYamlFault } from './yaml-faults.ts';

/** Ten times the size of a file with every comment. It also bounds the cost of parsing hostile nesting. */
const FILE_CHARACTERS_MAX = 256 * 1024;

/** The value of one key in the file, and its position. */
export interface FileSetting {
  readonly key: ListedKey;
  readonly text: string;
  /** Position of the key, from 1. */
  readonly line: number;
  readonly column: number;
  /** `file:line:column` of the value. */
  readonly where: string;
}

export interface FileContents {
  readonly settings: readonly FileSetting[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the YAML of a configuration file. It walks the document's nodes. It resolves no alias and no merge key, so a small
 * file cannot grow. A scalar is read as its text in the file, so `off` and `010` mean what the reader sees.
 * The parser (35 ms of import) is loaded here, so that a command without a file does not wait for it.
 */
export async function readFileSettings(source: string, file: string): Promise<FileContents> {
  if (source.length > FILE_CHARACTERS_MAX) {
    return failed(
      file,
      `The file has more than ${FILE_CHARACTERS_MAX} characters, so it is probably not a configuration.`,
    );
  }
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const place = placer(file, lines);
  let document;
  try {
    // The walk finds duplicate keys, because it can report the position of the first one.
    document = yaml.parseDocument(source, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      strict: true,
    });
  } catch (error) {
    const kind = error instanceof Error ? ` (${error.name})` : '';
    return failed(file, `The file cannot be parsed${kind}. It may be nested too deeply.`);
  }
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const problems = broken.map((fault) => ({
      where: place(fault.pos[0]).where,
      what: describeYamlFault(fault),
    }));
    return { settings: [], problems };
  }
  return new Walk(yaml, source, place).root(document.contents);
}

function failed(where: string, what: string): FileContents {
  return { settings: [], problems: [{ where, what }] };
}

interface Place {
  readonly line: number;
  readonly column: number;
  readonly where: string;
}

function placer(file: string, lines: Yaml.LineCounter): (offset: number) => Place {
  return (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, where: `${file}:${line}:${col}` };
  };
}

class Walk {
  readonly #yaml: typeof Yaml;
  readonly #source: string;
  readonly #place: (offset: number) => Place;
  readonly #settings: FileSetting[] = [];
  readonly #problems: ConfigProblem[] = [];

  constructor(yaml: typeof Yaml, source: string, place: (offset: number) => Place) {
    this.#yaml = yaml;
    this.#source = source;
    this.#place = place;
  }

  root(contents: Yaml.Node | null): FileContents {
    if (this.#yaml.isMap(contents)) this.#map(contents, null);
    else if (contents !== null && !this.#isEmpty(contents)) {
      this.#report(contents, 'The file must hold sections and keys, such as `data_dir: data`.');
    }
    return { settings: this.#settings, problems: this.#problems };
  }

  /** The pairs of a section, or of the top level if `section` is null. */
  #map(map: Yaml.YAMLMap, section: string | null): void {
    const first = new Map<string, Place>();
    for (const pair of map.items) {
      const node = pair.key as Yaml.Node;
      const place = this.#place(node.range?.[0] ?? 0);
      if (!this.#yaml.isScalar(node)) {
        this.#report(node, 'A key must be a plain name.');
        continue;
      }
      const name = node.source ?? String(node.value);
      const path = section === null ? name : `${section}.${name}`;
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, place);
      else this.#report(node, `${quoteName(path)} is set twice; the first time in line ${earlier.line}.`);
      this.#pair(pair, path, section, place);
    }
  }

  #pair(pair: Yaml.Pair, path: string, section: string | null, place: Place): void {
    const key = KEYS.find((each) => each.path === path && each.section === section);
    const value = pair.value as Yaml.Node | null;
    if (key !== undefined) {
      const text = this.#text(key, value, place);
      if (text !== undefined) {
        const { line, column } = place;
        const where = this.#place(value?.range?.[0] ?? 0).where;
        this.#settings.push({ key, text, line, column, where });
      }
    } else if (section === null && KEYS.some((each) => each.section === path)) {
      if (this.#yaml.isMap(value)) this.#map(value, path);
      // A section is empty if all its keys are commented out. That is valid.
      else if (value !== null && !this.#isEmpty(value))
        this.#report(value, `${path} is a section: put its keys below it, indented.`);
    } else {
      // Without a colon, as in `{ a: b,c }`, it is probably the rest of a value.
      const what = value === null ? WITHOUT_COLON : unknownKey(path, section);
      this.#problems.push({ where: place.where, what });
    }
  }

  /** The value's text. If the value is not text, this is reported and the result is undefined. */
  #text(key: ListedKey, value: Yaml.Node | null, place: Place): string | undefined {
    if (this.#yaml.isScalar(value) && !this.#isEmpty(value)) {
      const lines = this.#linesOf(value);
      if (lines === 1) return value.source ?? String(value.value);
      const what = `${key.path} must be ${key.type.expected}, but its value takes ${lines} lines. ${SWALLOWED}`;
      this.#report(value, what);
      return undefined;
    }
    if (
      key.type.kind === 'list' &&
      this.#yaml.isSeq(value) &&
      value.items.every((item) => this.#yaml.isScalar(item))
    ) {
      return value.items.map((item) => item.source ?? String(item.value)).join(',');
    }
    const actual = this.#yaml.isAlias(value)
      ? 'an alias, and aliases are not supported'
      : this.#yaml.isCollection(value)
        ? `a ${this.#yaml.isSeq(value) ? 'list' : 'section'}`
        : 'empty';
    const where = actual === 'empty' ? place.where : this.#place(value?.range?.[0] ?? 0).where;
    this.#problems.push({ where, what: `${key.path} must be ${key.type.expected}, but is ${actual}.` });
    return undefined;
  }

  /** How many lines of the file hold the value. A line that only starts a block does not count. */
  #linesOf({ range, type }: Yaml.Scalar): number {
    const [start = 0, end = 0] = range ?? [];
    const lines = this.#source.slice(start, end).trim().split('\n');
    return Math.max(1, type?.startsWith('BLOCK') === true ? lines.length - 1 : lines.length);
  }

  /** Whether the value is missing: `key:` without a value, or YAML's words for null. */
  #isEmpty(node: Yaml.Node): boolean {
    return this.#yaml.isScalar(node) && node.value === null;
  }

  #report(node: Yaml.Node, what: string): void {
    this.#problems.push({ where: this.#place(node.range?.[0] ?? 0).where, what });
  }
}

/** A line that is indented too far becomes part of another value. That is easy to overlook, and the line may hold a secret. */
const SWALLOWED =
  'No value needs more than one line. A line that is indented further than the key above it, or that is between quotes, is part of that value.';
const COLON = 'Put a colon and a space between a key and its value.';
const WITHOUT_COLON = `This is not a key. ${COLON} Put a value that contains a comma in quotes.`;

function unknownKey(path: string, section: string | null): string {
  if (path === (section === null ? '<<' : `${section}.<<`))
    return `There is no key "${path}". Merge keys are not supported.`;
  const dotted = KEYS.find((key) => key.path === path);
  if (dotted !== undefined)
    return `Write ${path} as ${dotted.name}, below ${dotted.section ?? 'no section'}.`;
  const name = nameStart(path);
  const suggestion = suggestKey(name, section);
  const what = `There is no key ${quoteName(path, suggestion)}.${name === path ? '' : ` ${COLON}`}`;
  return what + didYouMean(suggestion);
}

/**
 * First the key for which Kafka's clients use this name (`linger_ms`, `batch_size`), then a similar one in the same section,
 * then one of the same name in another section, then any similar key or section.
 */
function suggestKey(path: string, section: string | null): string | undefined {
  const name = section === null ? path : path.slice(section.length + 1);
  const ofKafka = kafkaName(name.replaceAll('_', '.'))?.path;
  if (typeof ofKafka === 'string') return ofKafka;
  const siblings = KEYS.filter((key) => key.section === section);
  const near = closest(
    name,
    siblings.map((key) => key.name),
  );
  if (near !== undefined) return siblings.find((key) => key.name === near)!.path;
  const namesake = KEYS.find((key) => key.name === name);
  if (namesake !== undefined) return namesake.path;
  const sections = section === null ? KEYS.flatMap((key) => key.section ?? []) : [];
  return closest(path, [...sections, ...KEYS.map((key) => key.path)]);
}
