/** Longer words are no one's slip of the finger, and the distance's cost is the product of the lengths. */
const WORD_CHARACTERS_MAX = 80;

/**
 * The candidate that `word` most likely was meant to be, or undefined if none is near. Case, `-` and camelCase are no
 * difference: `watermarkDelay` is near to `watermark_delay`.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > WORD_CHARACTERS_MAX) return undefined;
  const plainWord = plain(word);
  let best: string | undefined;
  // One slip in a short word, one in every three characters of a long one; more is another word.
  let bestDistance = Math.max(1, Math.floor(plainWord.length / 3)) + 1;
  for (const candidate of candidates) {
    const plainCandidate = plain(candidate);
    if (Math.abs(plainCandidate.length - plainWord.length) >= bestDistance) continue;
    const distance = editDistance(plainWord, plainCandidate);
    // A distance as long as the candidate says that they have nothing in common.
    if (distance < bestDistance && distance < plainCandidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function plain(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/**
 * Damerau–Levenshtein distance in its restricted form (optimal string alignment): the least number of insertions,
 * deletions, substitutions and swaps of neighbours, if no part is edited twice.
 */
export function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length]!;
}
