/** The running Node, and its SQLite. */
import { pass, type Check, type Verdict } from './check.ts';

// The same as in bin/launcher.js, which starts nothing on older versions; a test keeps the two equal.
const NODE_VERSION_MIN = '24.0.0';
const SQLITE_VERSION_MIN = '3.51.3';

/** The path of Node in the packages that contain it for each platform. */
const PACKAGED = /[\\/]node_modules[\\/]node-(?:bin-)?(?:darwin|linux|win)-(?:arm64|x64)[\\/]/;

export const nodeCheck: Check = {
  name: 'Node',
  run: () => judgeNode(process.versions.node, process.execPath),
};

export const sqliteCheck: Check = {
  name: 'SQLite',
  run: () => judgeSqlite(process.versions['sqlite']),
};

export function judgeNode(version: string, execPath: string): Verdict {
  const whose = PACKAGED.test(execPath) ? 'the one that the package brings' : "this machine's own";
  const found = `v${version}, ${whose}: ${execPath}`;
  if (!isOlder(version, NODE_VERSION_MIN)) return pass(found);
  return {
    status: 'fail',
    found,
    hint: 'Install Node 24 or newer, or start Tallystream with bin/tallystream.js, which finds the Node of the package.',
  };
}

/** @param version undefined if Node was built without SQLite */
export function judgeSqlite(version: string | undefined): Verdict {
  if (version !== undefined && !isOlder(version, SQLITE_VERSION_MIN)) return pass(version);
  return {
    status: 'fail',
    found:
      version === undefined ? 'This Node has no SQLite.' : `${version}; ${SQLITE_VERSION_MIN} is needed.`,
    hint: `Install a Node with SQLite ${SQLITE_VERSION_MIN} or newer; the one that the package brings has it.`,
  };
}

function isOlder(version: string, minimum: string): boolean {
  const numbers = version.split('.').map(Number);
  for (const [index, least] of minimum.split('.').map(Number).entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number < least;
  }
  return false;
}
