/** What a figure should be. */
export interface Goal {
  /** As people read it: `<= 60`. */
  readonly text: string;
  readonly holds: (value: number) => boolean;
}

export function atMost(limit: number): Goal {
  return { text: `<= ${limit}`, holds: (value) => value <= limit };
}

export function atLeast(limit: number): Goal {
  return { text: `>= ${limit}`, holds: (value) => value >= limit };
}

/** Both ends included. */
export function within(low: number, high: number): Goal {
  return { text: `${low} to ${high}`, holds: (value) => value >= low && value <= high };
}

/** One measured number. A goal is missed, too, when there was nothing to measure (NaN). */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: Goal | null;
}

/** The figures of one bench, in the order in which they were measured. */
export class Figures {
  readonly bench: string;
  readonly #list: Figure[] = [];

  constructor(bench: string) {
    this.bench = bench;
  }

  add(name: string, value: number, unit: string, goal: Goal | null = null): void {
    this.#list.push({ name, value, unit, goal });
  }

  /** True if no figure misses its goal. */
  get hold(): boolean {
    return this.#list.every((figure) => holds(figure) !== false);
  }

  /** The figures as a table for people, one line each, under a line of headings. */
  table(): string {
    const rows = this.#list.map((figure) => {
      const verdict = holds(figure);
      return [
        figure.name,
        readable(figure.value),
        figure.unit,
        figure.goal?.text ?? '',
        verdict === null ? '' : verdict ? 'yes' : 'NO',
      ];
    });
    return formatTable([['figure', 'value', 'unit', 'goal', 'holds'], ...rows], [1]);
  }

  /** The figures for programs. `holds` and `goal` are null where there is no goal, `value` where nothing was measured. */
  json(): string {
    const figures = this.#list.map((figure) => ({
      name: figure.name,
      value: Number.isFinite(figure.value) ? figure.value : null,
      unit: figure.unit,
      goal: figure.goal?.text ?? null,
      holds: holds(figure),
    }));
    return JSON.stringify({ bench: this.bench, figures });
  }
}

/**
 * Lines up `rows`, the first of which are headings.
 * @param right Columns that are aligned to the right.
 */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd();
  return [line(rows[0]), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n');
}

/** Three digits are all that a measurement is good for. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function holds({ goal, value }: Figure): boolean | null {
  return goal ? goal.holds(value) : null;
}
