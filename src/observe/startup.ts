import { release } from 'node:os';

/** What a reader of a log must know about the machine before anything else. */
export interface StartupFields {
  readonly operation: 'start';
  readonly platform: string;
  readonly osRelease: string;
  readonly arch: string;
  readonly node: string;
  readonly sqlite: string;
  /** The Node that runs, which the launcher may have brought. */
  readonly execPath: string;
  readonly workingDirectory: string;
  readonly dataDir: string;
  /** The configuration file, or null if none was read. */
  readonly configFile: string | null;
  readonly [field: string]: string | null;
}

/** The fields of the first line that a long-running command logs. */
export function startupFields(paths: {
  readonly dataDir: string;
  readonly configFile: string | null;
}): StartupFields {
  return {
    operation: 'start',
    platform: process.platform,
    osRelease: release(),
    arch: process.arch,
    node: process.version,
    sqlite: process.versions['sqlite'] ?? 'none',
    execPath: process.execPath,
    workingDirectory: process.cwd(),
    dataDir: paths.dataDir,
    configFile: paths.configFile,
  };
}
