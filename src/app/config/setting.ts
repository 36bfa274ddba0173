/** One key's value and where it came from. */
import type { ListedKey } from './key-list.ts';

export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly name: string }
  /** The name has no dashes; `setting` is the name given to `-X`, such as `kafka.acks`. */
  | { readonly kind: 'flag'; readonly name: string; readonly setting?: string };

/** One key's value as text, and where it came from. */
export interface Setting {
  readonly key: ListedKey;
  /** As it was written, trimmed; a folder is resolved to an absolute path. */
  readonly text: string;
  readonly origin: Origin;
}
