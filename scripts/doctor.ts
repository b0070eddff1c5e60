import { readCommandLine } from '../server/config/command-line.ts';
import { loadConfig } from '../server/config/config.ts';
import { examine } from '../server/doctor/examine.ts';
import { formatFindings } from '../server/doctor/finding.ts';
import { AppError } from '../server/errors.ts';

// Says what this machine can run, what is missing and how to get it. Ends with 1 if the server could not do its work.

const USAGE = 'npm run doctor [-- --json] [--config FILE] [--server-config FILE] [--host HOST] [--port PORT]\n';

/** The flags of the server, and --json. */
function read(args: readonly string[]) {
  const isJson = args.includes('--json');
  return { isJson, commandLine: readCommandLine(args.filter((arg) => arg !== '--json')) };
}

try {
  const { isJson, commandLine } = read(process.argv.slice(2));
  if (commandLine.help) {
    process.stdout.write(USAGE);
  } else {
    const findings = await examine(loadConfig(commandLine, process.cwd()), process.env);
    process.stdout.write(isJson ? `${JSON.stringify(findings, null, 2)}\n` : formatFindings(findings));
    process.exitCode = findings.some(({ verdict }) => verdict === 'bad') ? 1 : 0;
  }
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 1;
}
