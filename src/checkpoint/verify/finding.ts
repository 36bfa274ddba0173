/** What a verification finds wrong with a checkpoint. */

export interface Finding {
  /** The check that found it. */
  readonly check: string;
  /** What is wrong, in one sentence. */
  readonly what: string;
  /** The file, or the table and its row. */
  readonly where: string;
  /** What was expected and what is there. */
  readonly why: string;
  readonly mend: string;
}

export type FindingParts = Omit<Finding, 'check'>;

/** What can be done about nearly everything. */
export const MEND =
  'Check the disk. Stop the query and put back a copy of the folder. Only if there is none, move the folder away: the query then reads its topic from the start.';
