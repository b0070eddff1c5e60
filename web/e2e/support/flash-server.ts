/** The same server as server/main.ts starts, with an engine that shows white where there is sound: what is seen can be timed. */
import { readCommandLine } from '../../../server/config/command-line.ts';
import { loadConfig } from '../../../server/config/config.ts';
import { openLog } from '../../../server/log.ts';
import { startServer } from '../../../server/start-server.ts';
import { stopOnSignals } from '../../../server/stop-on-signals.ts';

const moduleUrl = new URL('../../../server/testing/flash-engine.ts', import.meta.url).href;
const config = loadConfig(readCommandLine(process.argv.slice(2)), process.cwd());
const log = openLog(config.settings.log);
const server = await startServer(config, { log, engines: [{ id: 'flash', moduleUrl }] });
stopOnSignals(server, config.settings.limits.shutdownGraceMs, log);
await server.ready;
