import { parseArgs } from 'node:util';
import { SCOPES } from '../server/http/access/access.ts';
import { hashOfKey, makeApiKey } from '../server/http/access/api-key.ts';

const HELP = `Makes an API key. The key is shown this once; the server keeps its hash.

Usage: npm run api-key -- --id NAME --scope ${SCOPES.join('|')} [--max-sessions N] [--max-requests-per-second N]
`;

function main(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      id: { type: 'string' },
      scope: { type: 'string' },
      'max-sessions': { type: 'string' },
      'max-requests-per-second': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { id = '', scope = '' } = values;
  if (!/^[\w-]{1,64}$/.test(id)) throw new TypeError(`--id must be 1 to 64 letters, digits, - and _, got "${id}"`);
  if (!SCOPES.some((each) => each === scope)) {
    throw new TypeError(`--scope must be one of ${SCOPES.join(', ')}, got "${scope}"`);
  }
  const key = makeApiKey();
  const limits = [
    ...limit('max_sessions', values['max-sessions']),
    ...limit('max_requests_per_second', values['max-requests-per-second']),
  ].join('');
  process.stdout.write(`The key, for the client; keep it, it cannot be shown again:
  ${key}

The lines for access.keys in configs/server.yaml, or for the file that access.keys_file names:
  - {id: ${id}, sha256: "${hashOfKey(key)}", scope: ${scope}${limits}}
`);
}

function limit(name: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  if (/^\d{1,5}$/.test(text)) return [`, ${name}: ${Number(text)}`];
  throw new TypeError(`--${name.replaceAll('_', '-')} must be a whole number, got "${text}"`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exit(1);
}
