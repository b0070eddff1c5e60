import { inspect } from 'node:util';

/** One wrong value of a configuration file, in words: `limits.max_sessions must be …, got …`. */
export type Mistake = string;

/** What mistakes call the place with the empty path. */
const WHOLE_FILE = 'the file';

/**
 * What one value of a configuration file may be. Rules never convert: a number written as text is a mistake.
 */
export interface Rule<T> {
  /** Completes the sentence "… must be": `a whole number from 1 to 65535`. */
  readonly expected: string;
  /** Value when the key is absent; `undefined` means that the key must be there. */
  readonly preset: T | undefined;
  /** Returns the value, or adds to `mistakes` and returns undefined. `path` says where, `http.port`. */
  read(value: unknown, path: string, mistakes: Mistake[]): T | undefined;
}

export type ValueOf<R> = R extends Rule<infer T> ? T : never;
/** Rules of a section by the name that code uses, in camelCase; the file has the same name in snake_case. */
export type Members = Readonly<Record<string, Rule<unknown>>>;
export type SectionOf<M extends Members> = { readonly [K in keyof M]: ValueOf<M[K]> };

export interface SectionRule<M extends Members> extends Rule<SectionOf<M>> {
  readonly members: M;
}

/** `maxMessageBytes` → `max_message_bytes`. */
export function fileKey(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** How a value is shown in a mistake: as written, and short. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 1, breakLength: Infinity });
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** A rule for a value without parts: `accepts` says whether it is right. */
export function single<T>(expected: string, preset: T | undefined, accepts: (value: unknown) => value is T): Rule<T> {
  return {
    expected,
    preset,
    read(value, path, mistakes) {
      if (accepts(value)) return value;
      const fallback = preset === undefined ? '' : ` (default: ${shown(preset)})`;
      mistakes.push(`${path} must be ${expected}, got ${shown(value)}${fallback}`);
      return undefined;
    },
  };
}

export function wholeNumber(min: number, max: number, preset?: number): Rule<number> {
  return single(
    `a whole number from ${min} to ${max}`,
    preset,
    (value): value is number => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

export function yesOrNo(preset?: boolean): Rule<boolean> {
  return single('true or false', preset, (value): value is boolean => typeof value === 'boolean');
}

/** Text that matches `pattern`; the default pattern refuses only the empty text. */
export function text(expected: string, preset?: string, pattern: RegExp = /\S/): Rule<string> {
  return single(expected, preset, (value): value is string => typeof value === 'string' && pattern.test(value));
}

/** Text that matches `pattern` and is never shown, not even when it is wrong. */
export function secret(expected: string, pattern: RegExp): Rule<string> {
  return {
    expected,
    preset: undefined,
    read(value, path, mistakes) {
      if (typeof value === 'string' && pattern.test(value)) return value;
      mistakes.push(`${path} must be ${expected}; what was found is not shown here`);
      return undefined;
    },
  };
}

export function oneOf<const T extends string>(choices: readonly T[], preset?: NoInfer<T>): Rule<T> {
  return single(`one of ${choices.join(', ')}`, preset, (value): value is T => choices.some((each) => each === value));
}

/** `null` in the file, or what `rule` says; null when absent. */
export function nullOr<T>(rule: Rule<T>, preset: T | null = null): Rule<T | null> {
  return {
    expected: `${rule.expected}, or null`,
    preset,
    read: (value, path, mistakes) => (value === null ? null : rule.read(value, path, mistakes)),
  };
}

export function listOf<T>(expected: string, item: Rule<T>, preset?: readonly T[]): Rule<readonly T[]> {
  const whole = single(expected, preset, (value): value is unknown[] & readonly T[] => Array.isArray(value));
  return {
    expected,
    preset,
    read(value, path, mistakes) {
      const items: readonly unknown[] | undefined = whole.read(value, path, mistakes);
      const read = items?.map((each, index) => item.read(each, `${path}[${index}]`, mistakes));
      return read?.filter((each) => each !== undefined);
    },
  };
}

/** A map with names of the user's choice; `keyPattern` is what a name may be. */
export function mapOf<T>(expected: string, keyPattern: RegExp, item: Rule<T>): Rule<Readonly<Record<string, T>>> {
  return {
    expected,
    preset: {},
    read(value, path, mistakes) {
      if (!isMap(value)) {
        mistakes.push(`${path || WHOLE_FILE} must be ${expected}, got ${shown(value)}`);
        return undefined;
      }
      const entries: [string, T][] = [];
      for (const [name, each] of Object.entries(value)) {
        if (!keyPattern.test(name)) {
          mistakes.push(`${path || WHOLE_FILE}: the name ${shown(name)} must match ${keyPattern.source}`);
        }
        const read = item.read(each, within(path, name), mistakes);
        if (read !== undefined) entries.push([name, read]);
      }
      return Object.fromEntries(entries);
    },
  };
}

/** A map with known names. Absent ones get their preset, unknown ones are mistakes. */
export function section<const M extends Members>(members: M): SectionRule<M> {
  return {
    expected: 'a section of settings',
    preset: presets(members),
    members,
    read: (value, path, mistakes) => readSection(members, value, path, mistakes),
  };
}

function readSection<M extends Members>(
  members: M,
  value: unknown,
  path: string,
  mistakes: Mistake[],
): SectionOf<M> | undefined {
  // `http:` with all its lines commented out is null in YAML and means the defaults.
  if (value !== null && !isMap(value)) {
    mistakes.push(`${path || WHOLE_FILE} must hold names with values, got ${shown(value)}`);
    return undefined;
  }
  const given = new Map(Object.entries(value ?? {}));
  const result: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(members)) {
    const key = fileKey(name);
    if (given.has(key)) result[name] = rule.read(given.get(key), within(path, key), mistakes);
    else if (rule.preset === undefined) mistakes.push(`${within(path, key)} is missing; it must be ${rule.expected}`);
    else result[name] = rule.preset;
    given.delete(key);
  }
  for (const key of given.keys()) mistakes.push(`${within(path, key)} is not a setting; ${suggestion(key, members)}`);
  return result as SectionOf<M>;
}

function within(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** The preset of a section, if all of its members have one. */
function presets<M extends Members>(members: M): SectionOf<M> | undefined {
  const entries = Object.entries(members).map(([name, rule]) => [name, rule.preset] as const);
  if (entries.some(([, preset]) => preset === undefined)) return undefined;
  return Object.fromEntries(entries) as SectionOf<M>;
}

function suggestion(key: string, members: Members): string {
  const plain = (word: string) => word.toLowerCase().replace(/[^a-z]/g, '');
  const names = Object.keys(members);
  const close = names.find((name) => plain(name) === plain(key) || plain(name).startsWith(plain(key)));
  return close ? `did you mean ${fileKey(close)}?` : `known here: ${names.map(fileKey).join(', ')}`;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
