import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AvatarSettings, readAvatarsFile } from './avatars-file.ts';
import type { CommandLine } from './command-line.ts';
import type { Mistake } from './rule.ts';
import { contradictions, KEYS, SETTINGS, type Settings } from './settings.ts';
import { configInvalid, readYamlFile } from './yaml-file.ts';

export const AVATARS_FILE = 'configs/inference/realtime.yaml';
export const SETTINGS_FILE = 'configs/server.yaml';

export interface Config {
  /** Every path in it is absolute. */
  readonly settings: Settings;
  /** In the order of the file; at least one. */
  readonly avatars: readonly AvatarSettings[];
}

/**
 * Puts the configuration together: defaults, then the settings file, then the command line.
 *
 * @param folder Absolute path that relative paths start from, usually the current working directory.
 * @throws {AppError} `config_invalid` with all mistakes of the first file that has any.
 */
export function loadConfig(commandLine: CommandLine, folder: string): Config {
  const settings = withCommandLine(readSettingsFile(commandLine.serverConfig, folder), commandLine);
  return {
    settings: withKeysOfFile(withAbsolutePaths(settings, folder)),
    avatars: readAvatarsFile(resolve(folder, commandLine.config ?? AVATARS_FILE), folder),
  };
}

/** All defaults; paths are still relative. */
export function defaultSettings(): Settings {
  return readSettings({}, 'the defaults');
}

function readSettingsFile(given: string | undefined, folder: string): Settings {
  const path = resolve(folder, given ?? SETTINGS_FILE);
  // Only the default path may be absent: a path that was asked for and is not there is a mistake.
  if (given === undefined && !existsSync(path)) return defaultSettings();
  return readSettings(readYamlFile(path), path);
}

function readSettings(value: unknown, path: string): Settings {
  const mistakes: Mistake[] = [];
  const settings = SETTINGS.read(value, '', mistakes);
  if (settings && mistakes.length === 0) mistakes.push(...contradictions(settings));
  if (!settings || mistakes.length > 0) throw configInvalid(path, mistakes);
  return settings;
}

function withCommandLine(settings: Settings, { host, port, verbose }: CommandLine): Settings {
  return {
    ...settings,
    log: { ...settings.log, level: verbose ? 'debug' : settings.log.level },
    http: { ...settings.http, host: host ?? settings.http.host, port: port ?? settings.http.port },
  };
}

/** Adds the API keys that stand in a file of their own. */
function withKeysOfFile(settings: Settings): Settings {
  const { access } = settings;
  if (access.keysFile === null) return settings;
  const mistakes: Mistake[] = [];
  const keys = KEYS.read(readYamlFile(access.keysFile), 'the list', mistakes) ?? [];
  const joined = { ...settings, access: { ...access, keys: [...access.keys, ...keys] } };
  if (mistakes.length === 0) mistakes.push(...contradictions(joined));
  if (mistakes.length > 0) throw configInvalid(access.keysFile, mistakes);
  return joined;
}

function withAbsolutePaths(settings: Settings, folder: string): Settings {
  const { log, http, access, engine, media } = settings;
  const absolute = (path: string) => resolve(folder, path);
  return {
    ...settings,
    log: { ...log, file: log.file && absolute(log.file) },
    http: {
      ...http,
      tls: http.tls && { key: absolute(http.tls.key), certificate: absolute(http.tls.certificate) },
    },
    access: { ...access, keysFile: access.keysFile && absolute(access.keysFile) },
    engine: {
      ...engine,
      musetalk: { ...engine.musetalk, modelsFolder: absolute(engine.musetalk.modelsFolder) },
    },
    media: {
      ...media,
      folders: media.folders.map(absolute),
      preparedFolder: absolute(media.preparedFolder),
      ownFolder: absolute(media.ownFolder),
    },
  };
}
