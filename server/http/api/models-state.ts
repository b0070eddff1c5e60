/** An engine as it is told to clients. */
export interface EngineState {
  readonly id: string;
  /** `incomplete`: files are missing. */
  readonly state: 'running' | 'loading' | 'available' | 'incomplete';
  readonly missing_files: readonly string[];
  /** What computes; null while it does not run. */
  readonly provider: string | null;
  /** Why nothing faster computes. */
  readonly refused: readonly { readonly provider: string; readonly reason: string }[];
  readonly models: readonly {
    readonly name: string;
    /** Such as `musetalk-1.5`. */
    readonly version: string;
    readonly precision: string;
    readonly weights: 'published' | 'random';
  }[];
}

export interface ModelsState {
  /** The one that draws; null before one does. */
  readonly running: string | null;
  /** How far a start is; null where none is under way. */
  readonly loading: { readonly engine: string; readonly step: string; readonly share: number } | null;
  /** Why the last switch came to nothing. */
  readonly problem: { readonly engine: string; readonly detail: string } | null;
  readonly engines: readonly EngineState[];
}
