// Starts a local Kafka and makes the topics: in Docker where its daemon answers, otherwise from Kafka's jars.
import { hasDocker, startDocker } from './docker.js';
import { runScript } from './fault.js';
import { KAFKA_VERSION } from './java.js';
import { findRunning, startLocal } from './local-broker.js';
import { settingsOf } from './settings.js';
import { makeTopics, topicsFor } from './topics.js';

await runScript(async () => {
  const { env } = process;
  const settings = settingsOf(env, process.cwd());
  const { port, folder, runtime } = settings;
  const say = (/** @type {string} */ words) => void process.stderr.write(`${words}\n`);
  // A broker without Docker that runs already is not joined by a second one in Docker.
  const inDocker =
    runtime === 'docker' || (runtime === 'auto' && findRunning(folder) === undefined && hasDocker(env));
  let where;
  if (inDocker) {
    say(`Starting Kafka in Docker on 127.0.0.1:${port} ...`);
    startDocker(settings, env);
    where = `Kafka runs in Docker on 127.0.0.1:${port}.\nIts log: docker compose logs kafka\n`;
  } else {
    const { wasRunning, pid, log, java } = await startLocal(settings, env, say);
    where = wasRunning
      ? `Kafka runs already on 127.0.0.1:${port} (process ${pid}).\nIts log: ${log}\n`
      : `Kafka ${KAFKA_VERSION} runs on 127.0.0.1:${port} (process ${pid}, Java ${java ?? ''}).\nIts log: ${log}\n`;
  }
  const topics = topicsFor(settings);
  await makeTopics(port, topics);
  process.stdout.write(`${where}Its topics: ${topics.map(({ name }) => name).join(', ')}\n`);
});
