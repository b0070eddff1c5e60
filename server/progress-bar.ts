/** A terminal, or a file or pipe that is written instead. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 32;
/** Where there is no terminal, a line is written at every such step. */
const STEP = 0.25;

/**
 * Shows how far something has come: a bar that is redrawn in a terminal, a line at every quarter elsewhere.
 *
 * @param label What is being done, a few words.
 * @returns Takes the share that is done, 0..1; 1 ends the bar, and what comes later is ignored.
 */
export function progressBar(label: string, output: ProgressOutput = process.stderr): (share: number) => void {
  let shown = -1;
  return (share) => {
    if (shown === 1) return;
    const done = Math.min(Math.max(share, 0), 1);
    const step = output.isTTY ? Math.floor(done * 100) / 100 : Math.floor(done / STEP) * STEP;
    if (step <= shown) return;
    shown = step;
    const percent = `${Math.round(step * 100)} %`;
    if (!output.isTTY) {
      output.write(`${label}: ${percent}\n`);
      return;
    }
    const full = Math.round(step * BAR_WIDTH);
    const line = `${label} ${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${percent}`;
    // Cut to the width of the terminal: a line that wraps could not be drawn over.
    output.write(`\r${line.slice(0, (output.columns ?? 80) - 1)}${step === 1 ? '\n' : ''}`);
  };
}
