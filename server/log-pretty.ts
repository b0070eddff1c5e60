import { styleText } from 'node:util';

const LEVELS: Readonly<Record<number, { name: string; style: Parameters<typeof styleText>[0] }>> = {
  10: { name: 'trace', style: 'gray' },
  20: { name: 'debug', style: 'gray' },
  30: { name: 'info', style: 'green' },
  40: { name: 'warn', style: 'yellow' },
  50: { name: 'error', style: 'red' },
  60: { name: 'fatal', style: ['red', 'bold'] },
};

/** Takes pino's JSON lines and writes them to a terminal in words. */
export function prettyStream(output: NodeJS.WritableStream): { write(line: string): void } {
  return { write: (line) => void output.write(prettyLine(line)) };
}

/** `12:03:07 info  message  field=value`; the stack of an error goes on lines of its own. */
export function prettyLine(line: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line);
  const { name, style } = LEVELS[level] ?? LEVELS[30];
  const clock = new Date(time).toTimeString().slice(0, 8);
  const values = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`);
  const head = `${styleText('gray', clock)} ${styleText(style, name.padEnd(5))} ${msg ?? ''}`;
  const tail = values.length > 0 ? styleText('gray', `  ${values.join(' ')}`) : '';
  const trace = err ? `\n${err.stack ?? err.message ?? plain(err)}` : '';
  return `${head}${tail}${trace}\n`;
}

function plain(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}
