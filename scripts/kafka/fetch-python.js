// Makes the Python environment of the tests with another client, where it is not there yet.
import { runScript } from './fault.js';
import { fetchPython, PYTHON_FOLDER } from './python.js';

await runScript(async () => {
  fetchPython(PYTHON_FOLDER, process.env, (words) => void process.stderr.write(`${words}\n`));
  process.stdout.write('The Kafka client in Python is there.\n');
});
