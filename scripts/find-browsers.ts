import { accessSync, constants, statSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type BrowserName = 'chromium' | 'firefox';

interface Browser {
  /** Environment variable that names the program. */
  readonly variable: string;
  /** Names to look for on the PATH, best first. */
  readonly programs: readonly string[];
  /** Usual places by platform. */
  readonly places: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>>;
  /** How to get one. */
  readonly advice: string;
}

const PROGRAM_FILES = process.env.PROGRAMFILES ?? 'C:\\Program Files';

const BROWSERS: Readonly<Record<BrowserName, Browser>> = {
  chromium: {
    variable: 'CHROMIUM_PATH',
    programs: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'microsoft-edge'],
    places: {
      linux: ['/usr/bin/chromium', '/snap/bin/chromium', '/opt/google/chrome/chrome'],
      darwin: [
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Chromium.app/Contents/MacOS/Chromium',
        join(homedir(), 'Applications/Google Chrome.app/Contents/MacOS/Google Chrome'),
      ],
      win32: [join(PROGRAM_FILES, 'Google\\Chrome\\Application\\chrome.exe')],
    },
    advice:
      'Install Chromium or Chrome (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium)',
  },
  firefox: {
    variable: 'FIREFOX_PATH',
    programs: ['firefox-esr', 'firefox'],
    places: {
      linux: ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/snap/bin/firefox'],
      darwin: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
      win32: [join(PROGRAM_FILES, 'Mozilla Firefox\\firefox.exe')],
    },
    advice:
      'Install Firefox (Debian: apt-get install firefox-esr; Ubuntu: snap install firefox; macOS: brew install --cask firefox)',
  },
};

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly isProgram: (path: string) => boolean;
}

const HERE: Surroundings = { env: process.env, platform: platform(), isProgram };

/**
 * Looks for a browser of this machine: in its environment variable, on the PATH, in the usual places.
 *
 * @returns Its absolute path.
 * @throws {Error} that says where it was looked for and how to get one.
 */
export function findBrowser(name: BrowserName, { env, platform, isProgram }: Surroundings = HERE): string {
  const { variable, programs, places, advice } = BROWSERS[name];
  const named = env[variable];
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`${variable} is ${named}, which is not a program. Correct it, or unset it to search.`);
  }
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const suffix = platform === 'win32' ? '.exe' : '';
  const onPath = programs.flatMap((program) => folders.map((folder) => join(folder, program + suffix)));
  const found = [...onPath, ...(places[platform] ?? [])].find(isProgram);
  if (found) return found;
  throw new Error(
    `No ${name} was found on the PATH (${programs.join(', ')}) or in the usual places. ${advice}, or set ${variable} to its program.`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Says where the browsers are, or what is missing; the exit code is 1 if one is. */
function main(): void {
  for (const name of ['chromium', 'firefox'] as const) {
    try {
      console.log(`${name}: ${findBrowser(name)}`);
    } catch (error) {
      console.error(`The end-to-end tests need both browsers. ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
