import type { SessionTrace } from '../tracing.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';

type MakeTransport = (events: TransportEvents) => Promise<Transport>;

/** `make`, with the time that the viewer takes to connect told as a stretch `connect`; with the reason if it does not. */
export function tracedViewer(make: MakeTransport, trace: SessionTrace | undefined): MakeTransport {
  if (!trace) return make;
  return async (events) => {
    const connecting = trace.begin('connect');
    try {
      return await make({
        ...events,
        onConnected: () => {
          connecting.end();
          events.onConnected();
        },
        onClosed: (reason) => {
          connecting.end({ failure: reason });
          trace.event('viewer_left', { reason });
          events.onClosed(reason);
        },
      });
    } catch (error) {
      connecting.end({ failure: String(error instanceof Error ? error.name : error) });
      throw error;
    }
  };
}
