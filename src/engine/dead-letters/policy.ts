/** What happens when dead letters have used up their byte limit: stop with the reason, or keep positions only. */
import { TallystreamError } from '../../errors.ts';
import type { DeadLetter } from '../../contracts/batch.ts';

export interface DeadLetterPolicy {
  /** The letter to keep, given the bytes kept so far. @throws DEAD_LETTERS_FULL */
  admit(letter: DeadLetter, bytesKept: number): DeadLetter;
}

export function deadLetterPolicy(options: {
  readonly bytesMax: number;
  readonly whenFull: 'stop' | 'positions';
}): DeadLetterPolicy {
  return {
    admit(letter, bytesKept) {
      const bytes = bytesOf(letter);
      if (bytesKept + bytes <= options.bytesMax) return letter;
      if (options.whenFull === 'positions') return { ...letter, key: null, value: null, headers: [] };
      throw new TallystreamError('DEAD_LETTERS_FULL', {
        what: `The dead letters have reached their limit of ${options.bytesMax} bytes (${bytesKept} bytes with those of the current batch).`,
        why: `The next one is ${letter.reason} at ${letter.topic}/${letter.partition}, offset ${letter.offset}; nothing of this batch was committed.`,
        hint: 'List the committed ones with `tallystream dead-letters list`. Then raise query.dead_letter_bytes_max, or set query.dead_letters_when_full to positions.',
      });
    },
  };
}

function bytesOf({ key, value, headers }: DeadLetter): number {
  const ofHeaders = headers.reduce((sum, header) => sum + header.name.length + header.value.byteLength, 0);
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + ofHeaders;
}
