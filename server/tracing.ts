import { type Attributes, context, type Span, type Tracer, trace } from '@opentelemetry/api';

/** A stretch of time within a session that is told when it ends. */
export interface TracedStretch {
  /** Idempotent. */
  end(attributes?: Attributes): void;
}

/**
 * One session as a trace of OpenTelemetry (https://opentelemetry.io/docs/specs/otel/trace/api): a span from its beginning to
 * its end, and spans within it for each viewer and each time that the avatar talks. Nothing happens unless whoever runs the
 * server registers an SDK before it starts; never speech, SDP or addresses.
 */
export class SessionTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;

  /** @param attributes What the session is; names get the prefix `musecast.`. */
  constructor(attributes: Attributes) {
    this.#tracer = trace.getTracer('musecast');
    this.#span = this.#tracer.startSpan('session', { root: true, attributes: prefixed(attributes) });
  }

  /** Something that happened at one moment. */
  event(name: string, attributes: Attributes = {}): void {
    this.#span.addEvent(name, prefixed(attributes));
  }

  begin(name: string, attributes: Attributes = {}): TracedStretch {
    const within = trace.setSpan(context.active(), this.#span);
    const span = this.#tracer.startSpan(`session.${name}`, { attributes: prefixed(attributes) }, within);
    return {
      end(last = {}) {
        if (!span.isRecording()) return;
        span.setAttributes(prefixed(last)).end();
      },
    };
  }

  end(attributes: Attributes): void {
    this.#span.setAttributes(prefixed(attributes)).end();
  }
}

function prefixed(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`musecast.${name}`, value]));
}
