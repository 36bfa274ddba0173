/** Functions of text, as Spark 4 has them for its collation `UTF8_BINARY`. Positions and lengths count code points. */
import { InvariantError } from '../../errors.ts';
import type { Evaluator, NumberEvaluator, Reader, TextEvaluator } from './evaluator.ts';

const SPACE = 0x20;

function textOf(of: Evaluator): Reader<string> {
  if (of.kind !== 'string') throw new InvariantError(`no text but ${of.kind}`);
  return of.at;
}

export function mapped(of: Evaluator, change: (text: string) => string): TextEvaluator {
  const at = textOf(of);
  return {
    kind: 'string',
    at(row) {
      const text = at(row);
      return text === undefined ? undefined : change(text);
    },
  };
}

/** Takes off U+0020 at both ends, and nothing else. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) === SPACE) start += 1;
  while (end > start && text.charCodeAt(end - 1) === SPACE) end -= 1;
  return text.slice(start, end);
}

export function lengthEvaluator(of: Evaluator): NumberEvaluator {
  const at = textOf(of);
  return {
    kind: 'int',
    at(row) {
      const text = at(row);
      return text === undefined ? undefined : characters(text);
    },
  };
}

/** Code points of well-formed text: every unit but the second half of a pair. */
function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  return count;
}

export function concatEvaluator(args: readonly Evaluator[]): TextEvaluator {
  const parts = args.map(textOf);
  return {
    kind: 'string',
    at(row) {
      let joined = '';
      for (const part of parts) {
        const text = part(row);
        if (text === undefined) return undefined;
        joined += text;
      }
      return joined;
    },
  };
}

export function substringEvaluator(of: Evaluator, position: Evaluator, length: Evaluator): TextEvaluator {
  const at = textOf(of);
  if (position.kind !== 'int' || length.kind !== 'int')
    throw new InvariantError('position and length are ints');
  return {
    kind: 'string',
    at(row) {
      const text = at(row);
      const from = position.at(row);
      const count = length.at(row);
      if (text === undefined || from === undefined || count === undefined) return undefined;
      return substring(text, from, count);
    },
  };
}

/**
 * `UTF8String.substringSQL` of Spark: positions count from 1, 0 is taken for 1, and negative ones count from the end; a
 * range that begins before the text is cut off there, not moved.
 */
function substring(text: string, position: number, count: number): string {
  const total = characters(text);
  let start = 0;
  if (position > 0) start = position - 1;
  else if (position < 0) start = total + position;
  const end = start + count;
  if (end <= start || start >= total) return '';
  const first = Math.max(start, 0);
  if (total === text.length) return text.slice(first, Math.max(end, 0));
  return Array.from(text).slice(first, Math.max(end, 0)).join('');
}
