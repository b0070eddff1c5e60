import { availableParallelism } from 'node:os';
import { checkStart } from './checks.ts';
import { HELP, readCommandLine } from './config/command-line.ts';
import { loadConfig } from './config/config.ts';
import { modelFiles } from './engines/registry.ts';
import { AppError } from './errors.ts';
import { frugalStart } from './frugal-start.ts';
import { openLog } from './log.ts';
import { engineOf } from './open-scheduler.ts';
import { startServer } from './start-server.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/**
 * Starts this program over in a way that needs less memory (frugal-start.ts), which is read before any code of ours runs. It
 * keeps process, pid and terminal.
 */
function startFrugally(): void {
  const { platform, execPath, execArgv, argv, env } = process;
  const start = frugalStart({ env, flags: execArgv });
  if (platform !== 'linux' || !process.execve || !start) return;
  process.execve(execPath, [execPath, ...start.flags, ...argv.slice(1)], start.env);
}

async function main(args: readonly string[]): Promise<void> {
  // Pictures are encoded in libuv's threads, which are counted when the first of them is used: one for each core at least.
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));
  const commandLine = readCommandLine(args);
  if (commandLine.help) {
    process.stdout.write(HELP);
    return;
  }
  const config = loadConfig(commandLine, process.cwd());
  const log = openLog(config.settings.log);
  // A connection that fails in an unforeseen way is one viewer's loss; it must not end the sessions of all others.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'a promise failed and nobody listened'));
  if (!commandLine.skipChecks) {
    refuseToStartWith(await checkStart(config, await modelFiles(engineOf(config.settings.engine))));
  }

  const server = await startServer(config, { log, needsAllAvatars: !commandLine.skipChecks, showsProgress: true });
  stopOnSignals(server, config.settings.limits.shutdownGraceMs, log);
  log.info({ url: server.url }, 'listening; the avatars are being prepared');
  await server.ready;
  log.info({ url: server.url }, 'ready; open this address in a browser');
}

function refuseToStartWith(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const advice = 'With --skip-checks the server starts all the same.';
  throw new AppError('config_invalid', [...problems, advice].join('\n'));
}

startFrugally();
main(process.argv.slice(2)).catch((error) => {
  // A foreseen failure says all there is to say; anything else is a defect, whose stack is wanted.
  const text = error instanceof AppError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
