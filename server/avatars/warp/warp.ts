import { readFileSync } from 'node:fs';

/** What warp.as.ts exports; its comments say what the arguments mean. Addresses and counts are integers, the rest floats. */
export interface WarpKernel {
  readonly memory: WebAssembly.Memory;
  turnFlow(flow: number, count: number, a: number, b: number): void;
  warp(
    ...args: [
      ...[planes: number, source: number, target: number, planeStep: number, width: number, rows: number],
      ...[x0: number, x1: number, y0: number, y1: number],
      ...[
        flow: number,
        gridSize: number,
        runs: number,
        scale: number,
        gu0: number,
        gv0: number,
        gux: number,
        gvx: number,
      ],
    ]
  ): void;
  opaqueBox(rgba: number, sizePx: number, box: number): void;
  convertOverlay(rgba: number, stride: number, columns: number, rows: number, out: number): void;
  paint(
    ...args: [
      ...[planes: number, target: number, planeStep: number, width: number],
      ...[x0: number, x1: number, y0: number, y1: number],
      ...[overlay: number, columns: number, rows: number, ou0: number, ov0: number, oux: number, ovx: number],
    ]
  ): void;
}

/** Loads the kernel with a memory of its own. Blocks for a few milliseconds; for worker threads and start-up. */
export function loadWarpKernel(): WarpKernel {
  const module = new WebAssembly.Module(readFileSync(new URL('./warp.wasm', import.meta.url)));
  return new WebAssembly.Instance(module).exports as unknown as WarpKernel;
}
