import type * as Yaml from 'yaml';
import { escapeForTerminal } from '../columns/escape.ts';
import { closest } from './did-you-mean.ts';
import { KEYS, type ListedKey } from './key-list.ts';
import { didYouMean, quote, type ConfigProblem } from './problems.ts';

/** Ten times what a file with every comment holds; it also bounds what hostile nesting can cost the parser. */
const FILE_CHARACTERS_MAX = 256 * 1024;

/** What the file says about one key, and where. */
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
 * Reads the YAML of a configuration file. It walks the document's nodes and resolves no alias and no merge key, so a small
 * file cannot grow; a scalar counts as the text that stands in the file, so `off` and `010` mean what the reader sees.
 * The parser (35 ms of import) is loaded here, so that a command without a file does not wait for it.
 */
export async function readFileSettings(source: string, file: string): Promise<FileContents> {
  if (source.length > FILE_CHARACTERS_MAX) {
    return failed(
      file,
      `The file is larger than ${FILE_CHARACTERS_MAX} characters, so it is hardly a configuration.`,
    );
  }
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const place = placer(file, lines);
  let document;
  try {
    // Duplicate keys are found by the walk, which can say where the first one stands.
    document = yaml.parseDocument(source, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      strict: true,
    });
  } catch (error) {
    return failed(file, `The file cannot be parsed: ${escapeForTerminal(String(error))}.`);
  }
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const problems = broken.map(({ pos, message }) => ({
      where: place(pos[0]).where,
      what: `This is not YAML that can be read here: ${escapeForTerminal(message)}.`,
    }));
    return { settings: [], problems };
  }
  return new Walk(yaml, place).root(document.contents);
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
  readonly #place: (offset: number) => Place;
  readonly #settings: FileSetting[] = [];
  readonly #problems: ConfigProblem[] = [];

  constructor(yaml: typeof Yaml, place: (offset: number) => Place) {
    this.#yaml = yaml;
    this.#place = place;
  }

  root(contents: Yaml.Node | null): FileContents {
    if (this.#yaml.isMap(contents)) this.#map(contents, null);
    else if (contents !== null && !this.#isEmpty(contents)) {
      this.#report(contents, 'The file must hold sections and keys, such as `data_dir: data`.');
    }
    return { settings: this.#settings, problems: this.#problems };
  }

  /** The pairs of a section, or of the top level, where `section` is null. */
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
      else
        this.#report(node, `${quote(path)} stands here a second time; the first is in line ${earlier.line}.`);
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
      // A section whose keys are all commented out is empty, and that is fine.
      else if (value !== null && !this.#isEmpty(value))
        this.#report(value, `${path} is a section: its keys stand below it.`);
    } else {
      this.#problems.push({ where: place.where, what: unknownKey(path, section) });
    }
  }

  /** The value's text, or undefined where it is no text, which is then reported. */
  #text(key: ListedKey, value: Yaml.Node | null, place: Place): string | undefined {
    if (this.#yaml.isScalar(value) && !this.#isEmpty(value)) return value.source ?? String(value.value);
    if (
      key.type.kind === 'list' &&
      this.#yaml.isSeq(value) &&
      value.items.every((item) => this.#yaml.isScalar(item))
    ) {
      return value.items.map((item) => item.source ?? String(item.value)).join(',');
    }
    const actual = this.#yaml.isAlias(value)
      ? 'an alias, which is not resolved here'
      : this.#yaml.isCollection(value)
        ? `a ${this.#yaml.isSeq(value) ? 'list' : 'section'}`
        : 'empty';
    const where = actual === 'empty' ? place.where : this.#place(value?.range?.[0] ?? 0).where;
    this.#problems.push({ where, what: `${key.path} must be ${key.type.expected}, and is ${actual}.` });
    return undefined;
  }

  /** Whether nothing stands there: `key:` without a value, or YAML's own words for it. */
  #isEmpty(node: Yaml.Node): boolean {
    return this.#yaml.isScalar(node) && node.value === null;
  }

  #report(node: Yaml.Node, what: string): void {
    this.#problems.push({ where: this.#place(node.range?.[0] ?? 0).where, what });
  }
}

function unknownKey(path: string, section: string | null): string {
  const dotted = KEYS.find((key) => key.path === path);
  if (dotted !== undefined)
    return `${path} is written as ${dotted.name}, below ${dotted.section ?? 'no section'}.`;
  const what = `There is no key ${quote(path)}.`;
  if (path === '<<') return `${what} Merge keys are not resolved here.`;
  return what + didYouMean(suggestKey(path, section));
}

/** A key of the same section first, then one of the same name in another section, then any, or a section. */
function suggestKey(path: string, section: string | null): string | undefined {
  const name = section === null ? path : path.slice(section.length + 1);
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
