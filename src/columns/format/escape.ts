/**
 * Event text is hostile: it comes from whoever can write to the topic. What is shown on a terminal goes through here, so
 * that no event can move the cursor, recolour the screen, forge a line of the report, or turn text around.
 */

// General categories and not a list of characters, so that what a later Unicode adds comes with the runtime's own
// tables: controls (C0, DEL, C1), formats (zero-width, bidi, tags), line and paragraph separators, lone surrogates.
// U+2065 is unassigned among the bidi controls, and terminals hide it as one of them.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065]/u;
const UNSEEN_ALL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065]/gu;
const UNSEEN_OR_ESCAPE_ALL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u2065]|\\(?=u\{)/gu;

/**
 * The text with everything that acts, or cannot be seen, as a visible `\u{1b}`. A `\u{` that the text itself holds
 * becomes `\u{5c}u{`, so two different texts never look the same, and no event can pretend to have been escaped.
 */
export function escapeForTerminal(text: string): string {
  if (!UNSEEN.test(text) && !text.includes('\\u{')) return text;
  return text.replace(UNSEEN_OR_ESCAPE_ALL, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/**
 * One line of JSON with the same characters as JSON escapes (`\u009b`). The value that a reader parses is unchanged:
 * inside a line of JSON such characters stand only in strings. JSON.stringify leaves all but C0 as they are.
 */
export function escapeJsonLineForTerminal(json: string): string {
  if (!UNSEEN.test(json)) return json;
  return json.replace(UNSEEN_ALL, (character) => {
    let escaped = '';
    for (let unit = 0; unit < character.length; unit++) {
      escaped += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
