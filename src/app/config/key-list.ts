import type { Key } from '../../values/key.ts';
import { TABLE } from './keys.ts';

/** A key with all its names. */
export interface ListedKey extends Key<unknown> {
  /** In the file, with its section: `query.watermark_delay`. */
  readonly path: string;
  /** The section's name, or null at the top level. */
  readonly section: string | null;
  /** Its name in the environment: `TALLYSTREAM_QUERY_WATERMARK_DELAY`. */
  readonly environment: string;
  /** Its property names in the configuration object: `query`, `watermarkDelayMs`. */
  readonly property: readonly [string] | readonly [string, string];
}

export const ENVIRONMENT_PREFIX = 'TALLYSTREAM_';

/** Every key, in the table's order. */
export const KEYS: readonly ListedKey[] = Object.freeze(
  Object.entries(TABLE).flatMap(([name, row]) =>
    isKey(row)
      ? [listed(row, null, [name])]
      : Object.entries<Key<unknown>>(row).map(([inner, key]) => listed(key, name, [name, inner])),
  ),
);

function listed(key: Key<unknown>, section: string | null, property: ListedKey['property']): ListedKey {
  const path = section === null ? key.name : `${section}.${key.name}`;
  const environment = ENVIRONMENT_PREFIX + path.replaceAll('.', '_').toUpperCase();
  return Object.freeze({ ...key, path, section, environment, property });
}

function isKey(row: object): row is Key<unknown> {
  return 'type' in row && 'defaultText' in row;
}
