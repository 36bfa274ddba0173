/** Whether the configuration is valid, its source, and how many values differ from the defaults. */
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigFault } from '../../config/fallback.ts';
import { secretsOnCommandLine } from '../../config/kafka-flag.ts';
import type { Config } from '../../config/keys.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Setting } from '../../config/setting.ts';
import { inDataDir } from '../../config/paths.ts';
import { pass, type Check, type Verdict } from './check.ts';

/** @param cwd where relative folders start */
export function configurationCheck(loaded: LoadedConfig, fault: ConfigFault | undefined, cwd: string): Check {
  return {
    name: 'configuration',
    run: () => (fault === undefined ? judgeConfiguration(loaded, cwd) : judgeFault(fault)),
  };
}

export function judgeConfiguration({ file, settings, config }: LoadedConfig, cwd: string): Verdict {
  const source = file === null ? 'There is no configuration file' : `${file} is valid`;
  const count = settings.filter((setting) => differs(setting, config, cwd)).length;
  const [secret] = secretsOnCommandLine(settings);
  if (secret !== undefined) return visibleSecret(source, secret);
  const changed = `${count} of ${settings.length} values ${count === 1 ? 'differs' : 'differ'} from the default`;
  return pass(`${source}; ${changed}${count === 0 ? '' : ' (`tallystream config show`)'}`);
}

function visibleSecret(source: string, setting: string): Verdict {
  return {
    status: 'warn',
    found: `${source}; ${setting} is on the command line, where other users of this machine can read it.`,
    hint: 'Use kafka.sasl_password_file, or TALLYSTREAM_KAFKA_SASL_PASSWORD in the environment.',
  };
}

export function judgeFault({ error, leftOut }: ConfigFault): Verdict {
  return {
    status: 'fail',
    found: `${error.message}\nThe other checks ignore ${leftOut.join(', ')}.`,
    hint: 'Correct the settings named here. `tallystream config show` then shows where each value comes from.',
  };
}

/** Whether the value differs from the default. The default written out, or in another unit, does not differ. */
function differs({ key, text, origin }: Setting, config: Config, cwd: string): boolean {
  if (origin.kind === 'default') return false;
  // Folders are shown as absolute paths, and the default of the checkpoint depends on other values.
  if (key.path === 'data_dir') return text !== resolve(cwd, key.defaultText);
  if (key.path === 'query.checkpoint_location') {
    return text !== inDataDir(config, config.dataDir).query.checkpointLocation;
  }
  return !isDeepStrictEqual(key.type.parse(text), key.type.parse(key.defaultText));
}
