/** `checkpoint show` and `verify`: what the checkpoint holds, and whether it is sound. */
import { escapeForTerminal } from '../columns/escape.ts';
import { readCheckpointSummary, verifyCheckpoint, type Finding, type Verification } from '../compose.ts';
import { renderSummary, summaryJson } from './checkpoint-show.ts';
import type { Context } from './context.ts';
import { createOutput, jsonLine } from './output.ts';
import { ofCheckpoint } from './view.ts';

/** As a checkpoint that is refused. */
const EXIT_FOUND = 5;

const NOT_SEALED =
  'It is not sealed yet, since an older version wrote it: a row that is missing cannot be seen. The next `tallystream run` seals it.\n';

export async function show(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const summary = await ofCheckpoint(context, () => readCheckpointSummary(context.config));
  const write = await createOutput();
  await write(context.json ? jsonLine(summaryJson(summary)) : renderSummary(summary));
  return 0;
}

export async function verify(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const verification = await ofCheckpoint(context, () => verifyCheckpoint(context.config));
  const write = await createOutput();
  await write(context.json ? jsonLine(verificationJson(verification)) : renderVerification(verification));
  return verification.findings.length === 0 ? 0 : EXIT_FOUND;
}

function verificationJson({ location, isSealed, checks, findings }: Verification): unknown {
  return { schemaVersion: 1, location, sealed: isSealed, sound: findings.length === 0, checks, findings };
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

function renderFinding({ check, what, where, why, mend }: Finding, number: number): string {
  const lines = [
    `${number}. ${what} (${check})`,
    ...[
      ['where', where],
      ['why', why],
      ['mend', mend],
    ].map(([name = '', text = '']) => `   ${name.padEnd(6)}${text}`),
  ];
  return `${lines.map((line) => escapeForTerminal(line)).join('\n')}\n`;
}
