/** When a topic shows all that it holds: other clients' commits and aborts return before their markers are written. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listOffsetsV7, metadataV12 } from '@platformatic/kafka';
import { connect } from './purchases.ts';

const SETTLED_TIMEOUT_MS = 120_000;
const LATEST = -1n;
const [UNCOMMITTED, COMMITTED] = [0, 1] as const;

/** Resolves when no partition has a transaction open: the last stable offset is where the log ends. */
export async function untilSettled(t: TestContext, port: number, topic: string): Promise<void> {
  const connection = await connect(t, port);
  const { topics } = await metadataV12.api.async(connection, [topic], false, false);
  const partitions = (topics[0]?.partitions ?? []).map(({ partitionIndex }) => {
    return { partitionIndex, currentLeaderEpoch: -1, timestamp: LATEST };
  });
  assert.ok(partitions.length > 0, `there is no topic ${topic}`);
  const endsOf = async (isolation: 0 | 1) => {
    const asked = [{ name: topic, partitions }];
    const answer = await listOffsetsV7.api.async(connection, -1, isolation, asked);
    return answer.topics.flatMap((each) => each.partitions.map(({ offset }) => offset)).join();
  };
  const endMs = performance.now() + SETTLED_TIMEOUT_MS;
  // The stable end first: what comes between the two questions must not look settled.
  for (;;) {
    const stable = await endsOf(COMMITTED);
    if (stable === (await endsOf(UNCOMMITTED))) return;
    assert.ok(performance.now() < endMs, `transactions of ${topic} are open still`);
    await sleep(20);
  }
}
