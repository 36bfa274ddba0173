/** The errors for plans that cannot be made: what is missing, by partition and offset, and what to do. */
import { TallystreamError } from '../errors.ts';
import type { DataLoss } from '../contracts/batch.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { MissingOffsets, PlanDecision } from './protocol.ts';

export type Refusal = Exclude<PlanDecision, { kind: 'plan' | 'nothing new' }>;

const ACCEPT = 'accept the loss of the ranges that `tallystream checkpoint accept-loss` lists,';
/** The words of the run that notices the loss and of every later start are the same. */
const REMOVED_UNREAD = 'records were removed before it read them';
const START_AGAIN = 'or start from the beginning under another query.name.';

export function refusalOf(refusal: Refusal, query: QueryPlan): TallystreamError {
  switch (refusal.kind) {
    case 'topic recreated':
      return new TallystreamError('TOPIC_RECREATED', {
        what: `Topic ${query.topic} is not the one that query ${query.name} has read: it was deleted and created again.`,
        why: `The checkpoint's offsets belong to topic id ${refusal.committedTopicId}.`,
        hint: `Restore the old log, ${START_AGAIN}`,
      });
    case 'records removed':
      return new TallystreamError('DATA_LOSS', {
        what: `Query ${query.name} has lost records of topic ${query.topic}: ${REMOVED_UNREAD}: ${rangesText(refusal.missing)}.`,
        why: "The log's retention removed them, or someone deleted them.",
        hint: `Restore the records and increase log.retention, ${ACCEPT} ${START_AGAIN}`,
      });
    case 'log went back':
      return new TallystreamError('DATA_LOSS', {
        what: `Topic ${query.topic} ends before what query ${query.name} has committed: ${rangesText(refusal.missing)}.`,
        why: 'The log was restored from an older copy, or it is a different log.',
        hint: `Restore the right log, ${ACCEPT} ${START_AGAIN}`,
      });
  }
}

/** A loss ends every run until a person accepts it, even if the log has grown past it since. */
export function raisedLoss(losses: readonly DataLoss[], query: QueryPlan): TallystreamError {
  const counted = losses.filter(({ kind }) => kind === 'counted');
  const unread = losses.filter(({ kind }) => kind === 'unread');
  const parts = [
    counted.length > 0 ? `records that it has counted are no longer in the log: ${rangesText(counted)}` : '',
    unread.length > 0 ? `${REMOVED_UNREAD}: ${rangesText(unread)}` : '',
  ].filter((part) => part !== '');
  return new TallystreamError('DATA_LOSS', {
    what: `Query ${query.name} has lost records of topic ${query.topic}: ${parts.join('; ')}.`,
    why: [...new Set(losses.map(({ why }) => why))].join(' '),
    hint: `Restore the right log, ${ACCEPT} ${START_AGAIN}`,
  });
}

/** The topic of a query that has run before is not there. */
export function topicGone(query: QueryPlan): TallystreamError {
  return new TallystreamError('TOPIC_NOT_FOUND', {
    what: `Topic ${query.topic}, which query ${query.name} has read, is not in the log.`,
    why: 'It was deleted, or this is a different log.',
    hint: `Restore the old log, ${START_AGAIN}`,
  });
}

function rangesText(missing: readonly MissingOffsets[]): string {
  return missing
    .map(
      ({ partition, start, end }) => `partition ${partition} offsets ${start} to ${end - 1} (${end - start})`,
    )
    .join(', ');
}
