/**
 * One picture as I420 (ITU-T H.264 table 6-1: 4:2:0, 8 bit, BT.709 limited range), planes packed without padding:
 * `widthPx·heightPx` bytes of Y, then a quarter of that of U, then of V.
 * Shared and never written once it was made.
 */
export interface Frame {
  /** Even. */
  readonly widthPx: number;
  /** Even. */
  readonly heightPx: number;
  /** {@link frameSizeBytes} bytes; may be a view into a `SharedArrayBuffer`. */
  readonly data: Uint8Array;
}

/** Bytes of an I420 picture. */
export function frameSizeBytes(widthPx: number, heightPx: number): number {
  return (widthPx * heightPx * 3) / 2;
}
