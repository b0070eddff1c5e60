import type { Log } from './log.ts';

/** Time past the grace after which the process ends whatever still hangs. */
const MARGIN_MS = 800;

/** Ends the process in an orderly way on SIGTERM and SIGINT (Ctrl-C); a second signal ends it at once. */
export function stopOnSignals(server: { close(): Promise<void> }, graceMs: number, log: Log): void {
  let state: 'running' | 'stopping' = 'running';
  const stop = (signal: string) => {
    if (state === 'stopping') process.exit(1);
    state = 'stopping';
    log.info({ signal, graceMs }, 'stopping');
    setTimeout(() => {
      log.warn({ graceMs }, 'stopping took too long; the rest is cut off');
      process.exit(1);
    }, graceMs + MARGIN_MS).unref();
    server.close().then(
      () => {
        log.info('stopped');
        process.exit(0);
      },
      (error) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
}
