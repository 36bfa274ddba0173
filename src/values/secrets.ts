/**
 * Tells a secret by its looks. Whoever mistypes a setting may have a password where another value belongs, and what a
 * message quotes is kept by a log and read in a ticket.
 */

/** Shorter is no secret, and longer is no word that a message needs to be understood. */
export const SECRET_CHARACTERS_MIN = 4;
const WORD_CHARACTERS_MAX = 60;
/** What stands for a word that looks like a secret. */
export const HIDDEN = '********';

const NAMES =
  'password|passwd|passphrase|secret|token|credential|authorization|jaas|api[_.-]?key|private[_.-]?key';
const NAMED = new RegExp(NAMES, 'i');
/** The secret's name with its value after it, as in a line that was swallowed by the line above. */
const ASSIGNED = new RegExp(String.raw`(?:${NAMES})[\w.-]*["']?\s*[:=]\s*\S`, 'i');
/** A key or a certificate in PEM, a signed token, and a URL with who logs in. */
const FORMS = [/-----BEGIN /, /\beyJ[\w-]{8,}\./, /:\/\/[^\s/]+@/];

const MADE_CHARACTERS_MIN = 12;
/** Keys in hexadecimal letters or in one case, and ids, switch between letters and digits far more often than names do. */
const SWITCHES = /(?:[a-z]+[0-9]+){3}/i;

/** Whether a text that is in use holds a secret for certain, so that it is not to be shown even where it is valid. */
export function holdsSecret(text: string): boolean {
  return ASSIGNED.test(text) || FORMS.some((form) => form.test(text));
}

/** Whether a text that is wrong where it stands may be, or hold, a secret. A name that a person chose hardly ever does. */
export function looksLikeSecret(text: string): boolean {
  return holdsSecret(text) || NAMED.test(text) || text.split(/\s+/).some(looksMade);
}

/** Whether a word looks as if a program had made it: long, with small and capital letters and digits, or mixed up. */
export function looksMade(word: string): boolean {
  if (word.length < MADE_CHARACTERS_MIN) return false;
  return (/[a-z]/.test(word) && /[A-Z]/.test(word) && /[0-9]/.test(word)) || SWITCHES.test(word);
}

/** A word of the command line for a message about it: bounded, and asterisks where it looks like a secret. */
export function shownWord(word: string): string {
  if (looksLikeSecret(word)) return HIDDEN;
  return word.length > WORD_CHARACTERS_MAX ? `${word.slice(0, WORD_CHARACTERS_MAX)}…` : word;
}
