/** One thing that was looked at. */
export interface Finding {
  /** What it is about: `machine`, `providers` … */
  readonly area: string;
  readonly name: string;
  /** `good`; `note`: it works, but somebody should know; `bad`: the server as configured cannot do its work. */
  readonly verdict: 'good' | 'note' | 'bad';
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

const SIGNS = { good: '✓', note: '–', bad: '✗' } as const;

/** For people: a heading for each area, a line for each finding. */
export function formatFindings(findings: readonly Finding[]): string {
  const areas = Map.groupBy(findings, ({ area }) => area);
  const parts = [...areas].map(([area, some]) => `${area}\n${some.map(lineOf).join('')}`);
  return `${parts.join('\n')}\n${summaryOf(findings)}\n`;
}

function lineOf({ name, verdict, found, advice }: Finding): string {
  const indented = (text: string) => text.replaceAll('\n', '\n      ');
  return `  ${SIGNS[verdict]} ${name}: ${indented(found)}\n${advice ? `      → ${indented(advice)}\n` : ''}`;
}

function summaryOf(findings: readonly Finding[]): string {
  const bad = findings.filter(({ verdict }) => verdict === 'bad').length;
  if (bad === 0) return 'Nothing keeps the server from working.';
  return `${bad === 1 ? 'One of these keeps' : `${bad} of these keep`} the server from working as configured.`;
}
