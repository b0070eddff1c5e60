/** The few parts of an ONNX file that tests of readers need: a graph of `graphBytes` zeros, and metadata. */
export function onnxBytes(metadata: Readonly<Record<string, string>>, graphBytes = 0): Buffer {
  return Buffer.concat([
    Buffer.from([0x08, 10]),
    field(2, Buffer.from('a test')),
    field(7, Buffer.alloc(graphBytes)),
    ...Object.entries(metadata).map(([key, value]) =>
      field(14, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))])),
    ),
  ]);
}

/** A protobuf field of bytes, up to 2^31 of them. */
export function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}
