/** What to fetch, from where, and how to know that it is right. */
export interface Manifest {
  /** Folder that it goes to unless told otherwise, from the repository's root. */
  readonly folder: string;
  readonly licences: readonly Licence[];
  readonly files: readonly ManifestFile[];
  /** What to do with the files, for whoever has them all. */
  readonly next: string;
}

export interface Licence {
  readonly name: string;
  /** What its terms are, in a sentence or two. */
  readonly terms: string;
  /** Where they stand. */
  readonly url: string;
}

export interface ManifestFile {
  /** Where it lies in the folder, with `/`. */
  readonly path: string;
  readonly url: string;
  /** Name of its licence. */
  readonly licence: string;
  /** Whether it is fetched only when asked for. */
  readonly isOptional?: boolean;
  /** Null where nobody has told it: then `plausibleBytes` has to do. */
  readonly sizeBytes: number | null;
  /** Fewest and most bytes that make sense. */
  readonly plausibleBytes: readonly [number, number];
  /** 64 hexadecimal digits; null where nobody has told them. */
  readonly sha256: string | null;
}

/** Most bytes that the file may have. */
export function mostBytes(file: ManifestFile): number {
  return file.sizeBytes ?? file.plausibleBytes[1];
}

/** What is wrong with a size; null if nothing is. */
export function sizeProblem({ sizeBytes, plausibleBytes: [fewest, most] }: ManifestFile, found: number): string | null {
  if (sizeBytes !== null) return found === sizeBytes ? null : `must have ${sizeBytes} bytes, got ${found}`;
  if (found >= fewest && found <= most) return null;
  return `must have ${fewest} to ${most} bytes (the exact size is not known), got ${found}`;
}
