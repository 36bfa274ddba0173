/** A fault that a verification finds in a checkpoint. */

export interface Finding {
  /** The check that found it. */
  readonly check: string;
  /** What is wrong, in one sentence. */
  readonly what: string;
  /** The file, or the table and its row. */
  readonly where: string;
  /** What was expected and what was found. */
  readonly why: string;
  readonly hint: string;
}

export type FindingParts = Omit<Finding, 'check'>;

/** The remedy for nearly every finding. */
export const HINT =
  'Check the disk. Stop the query and restore a copy of the folder. Only if you have no copy, move the folder away: the query then reads its topic from the start.';
