import { type Attributes, type Span, type TracerProvider, trace } from '@opentelemetry/api';

/** What a span told. */
export interface RecordedSpan {
  readonly name: string;
  readonly attributes: Attributes;
  readonly events: { readonly name: string; readonly attributes: Attributes }[];
  readonly parent: RecordedSpan | null;
  ended: boolean;
}

/**
 * Does what an SDK does when it registers itself, and keeps the spans in a list. For the whole process: one call per test file.
 */
export function recordSpans(): RecordedSpan[] {
  const spans: RecordedSpan[] = [];
  const recorded = new WeakMap<Span, RecordedSpan>();
  const provider: TracerProvider = {
    getTracer: () => ({
      startSpan(name, options = {}, context) {
        const parentSpan = context && !options.root ? trace.getSpan(context) : undefined;
        const parent = parentSpan ? (recorded.get(parentSpan) ?? null) : null;
        const record: RecordedSpan = { name, attributes: { ...options.attributes }, events: [], parent, ended: false };
        const span = spanOf(record);
        recorded.set(span, record);
        spans.push(record);
        return span;
      },
      startActiveSpan() {
        throw new TypeError('sessions have no use for active spans: much of what they do happens in timers');
      },
    }),
  };
  trace.setGlobalTracerProvider(provider);
  return spans;
}

function spanOf(record: RecordedSpan): Span {
  const span: Span = {
    spanContext: () => ({ traceId: '0'.repeat(31).concat('1'), spanId: '0'.repeat(15).concat('1'), traceFlags: 1 }),
    setAttribute: () => span,
    setAttributes(attributes) {
      Object.assign(record.attributes, attributes);
      return span;
    },
    addEvent(name, attributes) {
      record.events.push({ name, attributes: isAttributes(attributes) ? attributes : {} });
      return span;
    },
    addLink: () => span,
    addLinks: () => span,
    setStatus: () => span,
    updateName: () => span,
    end() {
      record.ended = true;
    },
    isRecording: () => !record.ended,
    recordException() {},
  };
  return span;
}

function isAttributes(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
