/**
 * What may remove records from the middle of a topic. With cleanup.policy=delete nothing may: its batches follow one
 * another without a gap, with those of aborted transactions and the markers that end transactions. A compacted topic has
 * gaps, and its batches are written again without the records that were removed.
 */
import { describeConfigsV4, type Connection } from '../wire/client.ts';
import { brokerCodesOf, CODE } from '../wire/errors.ts';

/** `unknown` if the broker does not let us ask. */
export type CleanupPolicy = 'delete' | 'compacted' | 'unknown';

/** What of a cluster is needed here. */
interface AskedCluster {
  any(): Promise<Connection>;
  persist<T>(act: () => Promise<T>, bound: { readonly topic: string }): Promise<T>;
  readonly options: { readonly onWarning?: (words: string) => void };
}

const TOPIC_RESOURCE = 2;
const SETTING = 'cleanup.policy';
const NOT_ALLOWED: readonly number[] = [CODE.TOPIC_AUTHORIZATION_FAILED, CODE.CLUSTER_AUTHORIZATION_FAILED];
/** Topics whose policy is remembered. */
const TOPICS_MAX = 1_000;

export class CleanupPolicies {
  /**
   * By topic id. `delete` is not kept: it is asked for again at the next gap, since the topic may be compacted by then.
   * A topic that was compacted keeps its gaps, even if its policy changes later.
   */
  private readonly known = new Map<string, CleanupPolicy>();

  /** Asked only after something unusual was seen in the topic, so reading a sound topic costs no question. */
  async of(
    cluster: AskedCluster,
    topic: { readonly name: string; readonly id: string },
  ): Promise<CleanupPolicy> {
    const known = this.known.get(topic.id);
    if (known !== undefined) return known;
    const policy = await cluster.persist(() => ask(cluster, topic.name), { topic: topic.name });
    if (policy === 'delete') return policy;
    this.known.set(topic.id, policy);
    const [oldest] = this.known.keys();
    if (this.known.size > TOPICS_MAX && oldest !== undefined) this.known.delete(oldest);
    if (policy === 'unknown') warnOf(cluster, topic.name);
    return policy;
  }
}

async function ask(cluster: AskedCluster, name: string): Promise<CleanupPolicy> {
  try {
    const connection = await cluster.any();
    const { results } = await describeConfigsV4.api.async(connection, [
      { resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: [SETTING] },
    ]);
    const value = results[0]?.configs.find((config) => config.name === SETTING)?.value;
    if (typeof value !== 'string') return 'unknown';
    return value.split(',').some((policy) => policy.trim() === 'compact') ? 'compacted' : 'delete';
  } catch (error) {
    if (brokerCodesOf(error).some((code) => NOT_ALLOWED.includes(code))) return 'unknown';
    throw error;
  }
}

function warnOf(cluster: AskedCluster, name: string): void {
  cluster.options.onWarning?.(
    `Topic ${name} has offsets without records, or batches that changed since they were read, and the broker does not report ` +
      'its cleanup.policy. Compaction may be the reason; if the policy is delete, records were lost. ' +
      'Grant this user DescribeConfigs on the topic, so that a loss can be told from compaction.',
  );
}
