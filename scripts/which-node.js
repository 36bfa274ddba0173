// Says, after an installation, which Node will run Tallystream, or why none can.
import { NODE_NEEDED, findPackagedNode, shortfall } from '../bin/launcher.js';

// This script may already run on the package's own Node, so the machine's is read from what npm says of itself.
const host = /node\/v(\S+)/.exec(process.env.npm_config_user_agent ?? '')?.[1] ?? process.versions.node;
const own = findPackagedNode(process.platform, process.arch);

if (shortfall(process.versions) === undefined) {
  const aside = host === process.versions.node ? '' : ` (this machine's own is v${host})`;
  console.error(`Tallystream is installed and runs on Node ${process.version}${aside}.`);
} else if ('path' in own) {
  console.error(
    `Tallystream is installed and runs on its own Node v${own.version} (this machine's is v${host}).`,
  );
} else {
  console.error(
    `Tallystream cannot run: ${shortfall(process.versions) ?? ''}. ${own.missing} Install ${NODE_NEEDED}.`,
  );
  process.exitCode = 3;
}
