/** Offsets of a consumer group that has no members: what every lag tool of Kafka looks at. */
import { findCoordinatorV4, offsetCommitV8 } from '../wire/client.ts';
import type { GroupOffset } from '../../../contracts/log.ts';
import type { KafkaCluster } from './cluster.ts';
import type { Broker } from './options.ts';
import { BrokerFault, CODE } from '../wire/errors.ts';

const GROUP_KEY_TYPE = 0;
/** "No generation": a commit from outside, which the broker takes while the group has no members. */
const NO_GENERATION = -1;
const PUBLISH_TIMEOUT_MS = 5_000;

export class GroupPublisher {
  private readonly cluster: KafkaCluster;
  private readonly coordinators = new Map<string, Broker>();

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  async publish(group: string, topic: string, offsets: readonly GroupOffset[]): Promise<void> {
    this.cluster.checkWritable();
    const attempt = async () => {
      try {
        const coordinator = this.coordinators.get(group) ?? (await this.find(group));
        const connection = await this.cluster.connect(coordinator, 'show');
        const partitions = offsets.map(({ partition, nextOffset }) => ({
          partitionIndex: partition,
          committedOffset: BigInt(nextOffset),
          committedLeaderEpoch: -1,
          committedMetadata: '',
        }));
        await offsetCommitV8.api.async(connection, group, NO_GENERATION, '', null, [
          { name: topic, partitions },
        ]);
      } catch (error) {
        this.coordinators.delete(group);
        throw error;
      }
    };
    return this.cluster.persist(attempt, { timeoutMs: PUBLISH_TIMEOUT_MS });
  }

  private async find(group: string): Promise<Broker> {
    const answer = await findCoordinatorV4.api.async(await this.cluster.any(), GROUP_KEY_TYPE, [group]);
    const [found] = answer.coordinators;
    if (found === undefined) throw new BrokerFault(CODE.COORDINATOR_NOT_AVAILABLE);
    const coordinator = this.cluster.advertised(found);
    this.coordinators.set(group, coordinator);
    return coordinator;
  }
}
