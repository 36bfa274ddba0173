import { join, resolve } from 'node:path';
import { withAbsoluteFiles } from '../../options/kafka-settings.ts';
import { AUTO, type Config } from './keys.ts';

/** The configuration with its folders and files as absolute paths, so that a later change of the working folder moves nothing. */
export function withResolvedPaths(config: Config, cwd: string): Config {
  const dataDir = resolve(cwd, config.dataDir);
  const { checkpointLocation } = config.query;
  const checkpoint =
    checkpointLocation === AUTO ? ownCheckpoint({ ...config, dataDir }) : resolve(cwd, checkpointLocation);
  const query = { ...config.query, checkpointLocation: checkpoint };
  return { ...config, dataDir, query, kafka: withAbsoluteFiles(config.kafka, cwd) };
}

/**
 * The same configuration in another data folder, with the checkpoint in it too, even where one was configured: what runs
 * there (the demo) never meets a real run's data.
 */
export function inDataDir(config: Config, dataDir: string): Config {
  const checkpointLocation = ownCheckpoint({ ...config, dataDir });
  return { ...config, dataDir, query: { ...config.query, checkpointLocation } };
}

/** A checkpoint belongs to one query on one topic of one log: its folder says which. */
function ownCheckpoint({ dataDir, query, log }: Config): string {
  return join(dataDir, 'checkpoints', `${query.name}-${log.type}-${log.topic}`);
}
