import { existsSync } from 'node:fs';
import { escapeForTerminal, escapeJsonLineForTerminal } from '../../columns/format/escape.ts';
import type { Config } from './keys.ts';
import type { LoadedConfig } from './load.ts';
import type { Origin, Setting } from './setting.ts';
import { HIDDEN, holdsSecret } from '../../values/secrets.ts';

/** Whether this file exists. */
type Exists = (path: string) => boolean;

/** Every key with its value and where it came from, in three aligned columns, for a terminal. */
export function explainAsText({ settings, config }: LoadedConfig, exists: Exists = existsSync): string {
  const rows = settings.map((setting) => ({
    path: setting.key.path,
    value: namesNoFile(setting, config, exists)
      ? `${HIDDEN} (no such file)`
      : escapeForTerminal(shown(setting)),
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
 * text as the file would have them; `file` is null if none was read.
 */
export function explainAsJson({ file, settings, config }: LoadedConfig, exists: Exists = existsSync): string {
  const explained = {
    schemaVersion: 1,
    file,
    settings: settings.map((setting) => ({
      key: setting.key.path,
      value: namesNoFile(setting, config, exists) ? HIDDEN : shown(setting),
      origin: setting.origin,
    })),
  };
  return `${escapeJsonLineForTerminal(JSON.stringify(explained))}\n`;
}

/** `default`, `config/config.yaml:12:3`, `environment TALLYSTREAM_…`, `--flag` or `-X kafka.name`. */
function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment':
      return `environment ${origin.name}`;
    case 'flag':
      return origin.setting === undefined ? `--${origin.name}` : `-${origin.name} ${origin.setting}`;
  }
}

/** A default is public: it is in the documentation, and shows that nothing was set. */
function shown({ key, text, origin }: Setting): string {
  return (key.secret && origin.kind !== 'default') || holdsSecret(text) ? HIDDEN : text;
}

/** Whether the value may be the secret itself, instead of the name of the file that should hold it. */
function namesNoFile({ key }: Setting, config: Config, exists: Exists): boolean {
  if (key.namesSecretFile === undefined) return false;
  const [section, name] = key.property;
  const path = (config[section as keyof Config] as Readonly<Record<string, unknown>>)[name ?? ''];
  return typeof path === 'string' && !exists(path);
}
