import assert from 'node:assert/strict';
import { delimiter } from 'node:path';
import { test } from 'node:test';
import { findBrowser, type Surroundings } from './find-browsers.ts';

function machine(programs: string[], env: Record<string, string> = {}): Surroundings {
  return { env, platform: 'linux', isProgram: (path) => programs.includes(path) };
}

test('the environment variable wins over the PATH', () => {
  const here = machine(['/my/chromium', '/bin/chromium'], { CHROMIUM_PATH: '/my/chromium', PATH: '/bin' });
  assert.equal(findBrowser('chromium', here), '/my/chromium');
});

test('an environment variable that names no program is an error, even if another browser is there', () => {
  const here = machine(['/bin/chromium'], { CHROMIUM_PATH: '/typo', PATH: '/bin' });
  assert.throws(() => findBrowser('chromium', here), /CHROMIUM_PATH is \/typo, which is not a program/);
});

test('Firefox ESR is taken before Firefox, wherever on the PATH it is', () => {
  const here = machine(['/a/firefox', '/b/firefox-esr'], { PATH: ['/a', '/b'].join(delimiter) });
  assert.equal(findBrowser('firefox', here), '/b/firefox-esr');
});

test('a browser outside the PATH is found in its usual place', () => {
  assert.equal(findBrowser('firefox', machine(['/snap/bin/firefox'], { PATH: '/bin' })), '/snap/bin/firefox');
});

test('a missing browser is told with the way to get it', () => {
  assert.throws(() => findBrowser('firefox', machine([])), /apt-get install firefox-esr.*FIREFOX_PATH/);
});
