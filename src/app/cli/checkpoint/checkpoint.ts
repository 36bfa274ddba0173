/** `checkpoint show` and `verify`: what the checkpoint contains, and whether it is sound. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import { readCheckpointSummary, verifyCheckpoint, type Finding, type Verification } from '../../compose.ts';
import type { DataLoss } from '../../../contracts/batch.ts';
import { renderSummary, summaryJson } from './show.ts';
import type { Context } from '../context.ts';
import { lossText } from './loss-text.ts';
import { createOutput, jsonLine } from '../output.ts';
import { ofCheckpoint } from '../view.ts';

/** As for a refused checkpoint. */
const EXIT_FOUND = 5;

const NOT_SEALED =
  'It is not sealed yet, because an older version wrote it, so a missing row cannot be detected. The next `tallystream run` seals it.\n';

export async function show(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const summary = await ofCheckpoint(context, () => readCheckpointSummary(context.config));
  const write = await createOutput();
  await write(context.json ? jsonLine(summaryJson(summary)) : renderSummary(summary));
  return 0;
}

export async function verify(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const stored = await ofCheckpoint(context, () => verifyCheckpoint(context.config));
  // `show` needs none of the engine that this loads.
  const { compareWithLog } = await import('./history.ts');
  // A damaged checkpoint cannot be compared with the log.
  const compared =
    stored.findings.length > 0 ? undefined : await compareWithLog(context.config, context.clock);
  const verification =
    compared !== undefined && 'found' in compared ? withLog(stored, compared.found) : stored;
  const notAsked = compared !== undefined && 'notAsked' in compared ? compared.notAsked : null;
  const write = await createOutput();
  await write(
    context.json
      ? jsonLine(verificationJson(verification, notAsked))
      : renderVerification(verification) +
          (notAsked === null ? '' : `The log was not checked: ${escapeForTerminal(notAsked)}\n`),
  );
  return verification.findings.length === 0 ? 0 : EXIT_FOUND;
}

/** Adds the counted records that the log no longer has. */
function withLog({ checks, findings, ...stored }: Verification, found: readonly DataLoss[]): Verification {
  const lost = found.map((loss) => ({
    check: 'log',
    what: `The log no longer has records that were read: ${lossText(loss)}.`,
    where: 'the log',
    why: loss.why,
    hint: 'Restore the right log; or run the query, and accept the loss that it reports.',
  }));
  return { ...stored, checks: [...checks, 'log'], findings: [...findings, ...lost] };
}

function verificationJson(
  { location, isSealed, checks, findings }: Verification,
  logNotAsked: string | null,
): unknown {
  return {
    schemaVersion: 1,
    location,
    sealed: isSealed,
    sound: findings.length === 0,
    checks,
    findings,
    logNotAsked,
  };
}

export function renderVerification({ location, isSealed, checks, findings }: Verification): string {
  const folder = escapeForTerminal(location);
  const unsealed = isSealed ? '' : NOT_SEALED;
  if (findings.length === 0)
    return `The checkpoint in ${folder} is sound (${checks.join(', ')}).\n${unsealed}`;
  const count = findings.length === 1 ? 'is 1 finding' : `are ${findings.length} findings`;
  const parts = findings.map((finding, index) => renderFinding(finding, index + 1));
  return `There ${count} in the checkpoint in ${folder}.\n\n${parts.join('\n')}`;
}

function renderFinding({ check, what, where, why, hint }: Finding, number: number): string {
  const lines = [
    `${number}. ${what} (${check})`,
    ...[
      ['where', where],
      ['why', why],
      ['hint', hint],
    ].map(([name = '', text = '']) => `   ${name.padEnd(6)}${text}`),
  ];
  return `${lines.map((line) => escapeForTerminal(line)).join('\n')}\n`;
}
