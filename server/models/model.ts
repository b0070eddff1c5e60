/** Numbers and their shape, row-major; float32 or uint8, as the array is. */
export interface ModelTensor {
  readonly data: Float32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** A graph that can be run: in this process or on another machine. */
export interface Model {
  /**
   * Runs the model once.
   *
   * @param inputs By name. Borrowed until the promise settles.
   * @param outputs By name: memory of the right size that the results are written to. Not shared memory.
   * @throws {AppError} `engine_failed` if names, shapes or the run are wrong.
   */
  run(inputs: Readonly<Record<string, ModelTensor>>, outputs: Readonly<Record<string, ModelTensor>>): Promise<void>;
  /** Releases the model. Idempotent. */
  close(): Promise<void>;
}
