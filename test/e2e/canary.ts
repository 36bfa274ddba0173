/** Looks for a secret in whatever a command leaves behind, in every form in which bytes could carry it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

/** A piece this long of a secret counts as the secret: messages cut what they quote, at either end. */
const PIECE_CHARACTERS = 10;
const SAMPLE_EVERY_MS = 40;

/** A secret and the needles that give it away, by the name of their form. */
export interface Canary {
  readonly name: string;
  readonly needles: readonly (readonly [form: string, needle: Buffer])[];
}

/** @param companions further texts that hold the secret, such as what SASL PLAIN sends */
export function canary(name: string, secret: string, companions: readonly string[] = []): Canary {
  const needles = new Map<string, string>();
  const add = (form: string, needle: Buffer) => needles.set(needle.toString('latin1'), form);
  for (const piece of piecesOf(secret)) add('as text', Buffer.from(piece));
  for (const text of [secret, ...companions]) for (const [form, needle] of encodings(text)) add(form, needle);
  return {
    name,
    needles: [...needles].map(([needle, form]) => [form, Buffer.from(needle, 'latin1')] as const),
  };
}

function piecesOf(secret: string): string[] {
  // The first and the last line of a key say only that it is one.
  return secret.split(/-----[A-Z ]+-----|\n/).flatMap((line) => {
    const count = Math.max(line === '' ? 0 : 1, line.length - PIECE_CHARACTERS + 1);
    return Array.from({ length: count }, (_, at) => line.slice(at, at + PIECE_CHARACTERS));
  });
}

function encodings(text: string): (readonly [string, Buffer])[] {
  const bytes = Buffer.from(text);
  const ascii = (form: string, encoded: string) => [form, Buffer.from(encoded)] as const;
  return [
    ascii('as text', text),
    ascii('as hex', bytes.toString('hex')),
    ascii('as HEX', bytes.toString('hex').toUpperCase()),
    ascii('in a URL', encodeURIComponent(text)),
    ascii('in a form', new URLSearchParams({ x: text }).toString().slice(2)),
    ascii('in JSON', inJson(text)),
    ascii('in JSON in JSON', inJson(inJson(text))),
    ascii('as inspect shows it', inspect(text).slice(1, -1)),
    ascii('as bytes that inspect shows', [...bytes].map((byte) => byte.toString(16)).join(' ')),
    ascii('as numbers', [...bytes].join(',')),
    ascii('backwards', [...text].toReversed().join('')),
    ['in UTF-16', Buffer.from(text, 'utf16le')],
    ...['base64', 'base64url'].flatMap((encoding) =>
      [0, 1, 2].map((before) =>
        ascii(`in ${encoding}`, withinBase64(bytes, before, encoding as 'base64' | 'base64url')),
      ),
    ),
  ];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What stays the same in base64 whatever stands before the bytes (so many, modulo 3) and after them. */
function withinBase64(bytes: Buffer, before: number, encoding: 'base64' | 'base64url'): string {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}

/** Where a canary is found, as sentences; none where all is well. */
export function leaksIn(
  what: string,
  content: Uint8Array | string,
  canaries: readonly Canary[],
): readonly string[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return canaries.flatMap(({ name, needles }) => {
    const found = needles.find(([, needle]) => bytes.includes(needle));
    if (found === undefined) return [];
    const at = bytes.indexOf(found[1]);
    const around = bytes.subarray(Math.max(0, at - 120), at + 60).toString('latin1');
    return [`${name} ${found[0]} in ${what}: …${around}…`];
  });
}

/** Every file of a folder and of the folders in it, with its path within. */
export function filesIn(folder: string): { readonly path: string; readonly content: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(folder.length + 1), content: readFileSync(path) }));
}

/** Notes how every process that works in a folder is called, with its arguments, while it runs (Linux: /proc). */
export class ProcessNames {
  readonly seen = new Set<string>();
  private readonly folder: string;
  private readonly timer: NodeJS.Timeout;

  constructor(folder: string) {
    this.folder = folder;
    this.timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== this.folder) continue;
        for (const file of ['cmdline', 'comm']) this.seen.add(readFileSync(`/proc/${pid}/${file}`, 'latin1'));
      } catch {
        // It has ended, or is somebody else's.
      }
    }
  }
}
