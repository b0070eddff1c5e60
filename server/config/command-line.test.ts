import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELP, readCommandLine } from './command-line.ts';

const problem = (...args: string[]): string => {
  try {
    readCommandLine(args);
  } catch (error) {
    return String(error);
  }
  return 'none';
};

test('nothing on the command line changes nothing', () => {
  assert.deepEqual(readCommandLine([]), {
    host: undefined,
    port: undefined,
    config: undefined,
    serverConfig: undefined,
    verbose: false,
    skipChecks: false,
    help: false,
  });
});

test('all flags are understood, with a blank or an equals sign', () => {
  const line = ['--host', '0.0.0.0', '--port=9000', '--config', 'a.yaml', '--server-config=s.yaml', '--verbose'];
  assert.deepEqual(readCommandLine([...line, '--skip-checks']), {
    host: '0.0.0.0',
    port: 9000,
    config: 'a.yaml',
    serverConfig: 's.yaml',
    verbose: true,
    skipChecks: true,
    help: false,
  });
});

test('an unknown flag is an error that shows the known ones', () => {
  assert.match(problem('--prot', '1'), /Unknown option '--prot'/);
  assert.ok(problem('--prot', '1').includes(HELP));
});

test('a flag without its value and a stray word are errors', () => {
  assert.match(problem('--port'), /--port/);
  assert.match(problem('--host='), /--host needs a value/);
  assert.match(problem('9000'), /9000/);
});

test('a port that is none is an error', () => {
  for (const port of ['80a', '65536', '1e3', '0x50', ' 80']) {
    assert.match(problem('--port', port), /must be a whole number from 0 to 65535/, port);
  }
});

test('the help names every flag', () => {
  for (const flag of ['--host', '--port', '--config', '--server-config', '--verbose', '--skip-checks', '--help']) {
    assert.ok(HELP.includes(`${flag} `), flag);
  }
});
