// The end of somebody's output, for the words about a failure.

/**
 * @param {string} text
 * @param {number} linesMax
 * @param {(line: string) => boolean} isWanted
 * @returns {string} the last lines, each indented on a line of its own; all of them count where none is wanted
 */
export function lastLines(text, linesMax, isWanted = () => true) {
  const all = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const wanted = all.filter(isWanted);
  const lines = (wanted.length > 0 ? wanted : all).slice(-linesMax);
  return lines.map((line) => `\n    ${line}`).join('');
}
