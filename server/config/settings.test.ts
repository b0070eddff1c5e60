import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { defaultSettings } from './config.ts';
import { fileKey, isMap, type Members, type Rule, type SectionRule } from './rule.ts';
import { contradictions, SETTINGS } from './settings.ts';

const FILE = new URL('../../configs/server.yaml', import.meta.url);
const text = readFileSync(FILE, 'utf8');

test('configs/server.yaml holds every setting with the default that the code has', () => {
  assert.deepEqual(parse(text), inFileNames(defaultSettings()));
});

test('configs/server.yaml says of every setting what it may be and what its default is', () => {
  const comments = commentsByPath(text);
  for (const [path, rule] of leaves(SETTINGS)) {
    const comment = comments.get(path) ?? '';
    const shown = Array.isArray(rule.preset) ? `[${rule.preset}]` : isMap(rule.preset) ? '{}' : String(rule.preset);
    const expected = `${rule.expected.charAt(0).toUpperCase()}${rule.expected.slice(1)}. Default: ${shown}`;
    assert.ok(comment.endsWith(expected), `${path}: the comment must end with "${expected}", it is "${comment}"`);
    assert.ok(comment.length > expected.length, `${path}: the comment must also say what the setting does`);
    if (/(Ms|_ms)$/.test(path)) assert.match(comment, /in ms/, path);
    if (/_bps$/.test(path)) assert.match(comment, /bit\/s/, path);
  }
});

test('the defaults do not contradict each other', () => {
  assert.deepEqual(contradictions(defaultSettings()), []);
});

test('a start bit rate outside minimum and maximum is a contradiction', () => {
  const settings = defaultSettings();
  const mistakes = contradictions({ ...settings, video: { ...settings.video, startBitrateBps: 100_000 } });
  assert.match(mistakes[0], /^video\.start_bitrate_bps must lie between/);
});

test('transport policy relay without a TURN server is a contradiction', () => {
  const settings = defaultSettings();
  const webrtc = { ...settings.webrtc, transportPolicy: 'relay' as const };
  assert.match(contradictions({ ...settings, webrtc })[0], /needs a turn: or turns: server/);
  const iceServers = [{ urls: ['turns:turn.example.org'], username: 'u', credential: 'c' }];
  assert.deepEqual(contradictions({ ...settings, webrtc: { ...webrtc, iceServers } }), []);
});

test('a list of execution providers without any is a contradiction', () => {
  const settings = defaultSettings();
  const { engine } = settings;
  const withProviders = (executionProviders: readonly 'cpu'[] | null) =>
    contradictions({ ...settings, engine: { ...engine, musetalk: { ...engine.musetalk, executionProviders } } });
  assert.match(withProviders([])[0], /^engine\.musetalk\.execution_providers must name at least one/);
  assert.deepEqual([withProviders(['cpu']), withProviders(null)], [[], []]);
});

function inFileNames(value: unknown): unknown {
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [fileKey(name), inFileNames(each)]));
}

function* leaves(section: SectionRule<Members>, within = ''): Generator<[string, Rule<unknown>]> {
  for (const [name, rule] of Object.entries(section.members)) {
    const path = `${within}${fileKey(name)}`;
    if (isSection(rule)) yield* leaves(rule, `${path}.`);
    else yield [path, rule];
  }
}

function isSection(rule: Rule<unknown>): rule is SectionRule<Members> {
  return 'members' in rule && isMap(rule.members);
}

/** The comment lines right above each key, joined. */
function commentsByPath(yaml: string): Map<string, string> {
  const comments = new Map<string, string>();
  const groups: string[] = [];
  let comment: string[] = [];
  for (const line of yaml.split('\n')) {
    const note = /^ {2,}# (.*)$/.exec(line);
    const key = /^( *)([a-z0-9_]+):/.exec(line);
    if (note) comment.push(note[1]);
    else if (key) {
      groups.splice(key[1].length / 2, groups.length, key[2]);
      comments.set(groups.join('.'), comment.splice(0).join(' '));
    } else comment = [];
  }
  return comments;
}
