// Fetches Kafka's jars, where they are not there yet, so that whatever starts a broker later needs no network.
import { runScript } from './fault.js';
import { fetchJars, findJava, KAFKA_VERSION } from './java.js';
import { settingsOf } from './settings.js';

await runScript(async () => {
  const { libs } = settingsOf(process.env, process.cwd());
  const java = findJava(process.env);
  fetchJars(libs, process.env, (words) => void process.stderr.write(`${words}\n`));
  process.stdout.write(`Kafka ${KAFKA_VERSION} is there, and runs on Java ${java.version}.\n`);
});
