/**
 * Reads server-sent events (WHATWG HTML §9.2). `EventSource` cannot send the header with the key.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<{ event: string, data: string }>} Ends with the stream; comments are left out.
 */
export async function* eventsOf(body) {
  let text = '';
  for await (const part of chunksOf(body)) {
    text += part;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (/** @type {string} */ name) =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
          .join('\n');
      const data = field('data');
      if (data) yield { event: field('event') || 'message', data };
    }
  }
}

/** @param {ReadableStream<Uint8Array>} body */
async function* chunksOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
