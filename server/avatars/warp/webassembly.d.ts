/** The little of the WebAssembly JavaScript interface that is used here; TypeScript has it for browsers only. */
declare namespace WebAssembly {
  interface Memory {
    /** Replaced (and the old one detached) when the memory grows. */
    readonly buffer: ArrayBuffer;
    /** @returns The former size in pages of 64 KiB. */
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
