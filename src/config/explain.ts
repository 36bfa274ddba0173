import { escapeForTerminal, escapeJsonLineForTerminal } from '../columns/escape.ts';
import type { LoadedConfig, Origin, Setting } from './load.ts';

const HIDDEN = '********';

/** Every key with its value and where it came from, in three aligned columns, for a terminal. */
export function explainAsText({ settings }: LoadedConfig): string {
  const rows = settings.map((setting) => ({
    path: setting.key.path,
    value: escapeForTerminal(shown(setting)),
    origin: escapeForTerminal(describeOrigin(setting.origin)),
  }));
  const pathWidth = Math.max(...rows.map(({ path }) => path.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  const lines = rows.map(
    ({ path, value, origin }) => `${path.padEnd(pathWidth)}  ${value.padEnd(valueWidth)}  ${origin}`,
  );
  return `${lines.join('\n')}\n`;
}

/**
 * The same as one line of JSON: `{"schemaVersion":1,"file":…,"settings":[{"key","value","origin":{"kind",…}}]}`. Values are
 * text as the file would have them; `file` is null where none was read.
 */
export function explainAsJson({ file, settings }: LoadedConfig): string {
  const explained = {
    schemaVersion: 1,
    file,
    settings: settings.map((setting) => ({
      key: setting.key.path,
      value: shown(setting),
      origin: setting.origin,
    })),
  };
  return `${escapeJsonLineForTerminal(JSON.stringify(explained))}\n`;
}

/** `default`, `config/config.yaml:12:3`, `environment TALLYSTREAM_…` or `--flag`. */
function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return `environment ${origin.name}`;
    case 'flag':
      return `--${origin.name}`;
  }
}

function shown({ key, text }: Setting): string {
  return key.secret ? HIDDEN : text;
}
