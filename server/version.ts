import { readFileSync } from 'node:fs';

/** The version of this program, `1.2.3`. */
export function productVersion(): string {
  const description: unknown = JSON.parse(readFileSync(`${import.meta.dirname}/../package.json`, 'utf8'));
  if (typeof description === 'object' && description !== null && 'version' in description) {
    return String(description.version);
  }
  throw new TypeError('package.json tells no version');
}
