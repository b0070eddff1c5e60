import type { Figures } from './figures.ts';

/** What a bench is given. */
export interface BenchRun {
  readonly figures: Figures;
  /** Measure for a short time only: good for seeing that the bench works, not for decisions. */
  readonly isQuick: boolean;
  /** Models other than the bench's own; null for those. */
  readonly modelsFolder: string | null;
  /** What another program measured on this machine, for a bench that can be put beside it; null for nothing. */
  readonly besideFile: string | null;
  /** Folder for CPU profiles of the server; null for none. */
  readonly profileFolder: string | null;
  /** Tells people how it is going. */
  readonly say: (line: string) => void;
  /** Closes what was opened, in reverse order, when the bench is over, however it ends. */
  readonly atEnd: (close: () => Promise<void>) => void;
}

/** One thing that can be measured. */
export interface Bench {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  readonly run: (run: BenchRun) => Promise<void>;
}
