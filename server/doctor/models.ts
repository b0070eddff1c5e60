import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { describeError } from '../errors.ts';
import { missingFiles } from '../models/fetch/fetch-files.ts';
import { MUSETALK_MANIFEST } from '../models/fetch/musetalk-manifest.ts';
import { GRAPH_NAMES, type GraphFacts, type GraphName, graphFile, requireGraph } from '../models/musetalk-graphs.ts';
import type { Finding } from './finding.ts';

export interface ModelPlaces {
  /** Files of the embedded engine. */
  readonly embeddedFiles: readonly string[];
  /** Files that MuseTalk cannot do without. */
  readonly musetalkFiles: readonly string[];
  /** Where MuseTalk's graphs lie. */
  readonly graphsFolder: string;
  /** Where the published files lie that they are converted from. */
  readonly originalsFolder: string;
  /** The KServe server that computes MuseTalk; null for this machine. */
  readonly remoteUrl: string | null;
  /** The configured engine: only its files are needed. */
  readonly engineId: string;
}

const AREA = 'models';
const REMOTE_LIMIT_MS = 5000;

/** Which models are there, which are missing, and which only look like it. */
export async function examineModels(places: ModelPlaces): Promise<Finding[]> {
  const graphs = await Promise.all(
    GRAPH_NAMES.filter((name) => existsSync(graphFile(places.graphsFolder, name))).map((name) =>
      examineGraph(name, places),
    ),
  );
  const remote = places.remoteUrl === null ? [] : [await examineRemote(places.remoteUrl, places.engineId)];
  return [examineEmbedded(places), examineMusetalk(places), ...graphs, ...remote, examineOriginals(places)];
}

function examineEmbedded({ embeddedFiles, engineId }: ModelPlaces): Finding {
  const missing = embeddedFiles.filter((path) => !existsSync(path));
  const base = { area: AREA, name: 'embedded' };
  if (missing.length === 0) return { ...base, verdict: 'good', found: `all ${embeddedFiles.length} files are there` };
  const verdict = engineId === 'embedded' ? 'bad' : 'note';
  return {
    ...base,
    verdict,
    found: missing.map(line).join('\n'),
    advice: 'they come with the repository; restore them',
  };
}

function examineMusetalk({ musetalkFiles, engineId }: ModelPlaces): Finding {
  const missing = musetalkFiles.filter((path) => !existsSync(path));
  const base = { area: AREA, name: 'musetalk' };
  if (missing.length === 0)
    return { ...base, verdict: 'good', found: `all ${musetalkFiles.length} needed files are there` };
  const verdict = engineId === 'musetalk' ? 'bad' : 'note';
  const advice = `npm run fetch-models -- musetalk\n${MUSETALK_MANIFEST.next}`;
  return { ...base, verdict, found: missing.map(line).join('\n'), advice };
}

async function examineGraph(name: GraphName, { graphsFolder, engineId }: ModelPlaces): Promise<Finding> {
  const base = { area: AREA, name: `musetalk ${name}` };
  try {
    const facts = await requireGraph(graphFile(graphsFolder, name), name);
    return { ...base, ...verdictOn(facts) };
  } catch (error) {
    return { ...base, verdict: engineId === 'musetalk' ? 'bad' : 'note', found: describeError(error).message };
  }
}

function verdictOn({ model, precision, weights }: GraphFacts): Pick<Finding, 'verdict' | 'found' | 'advice'> {
  const found = `${model}, ${precision}, ${weights} weights`;
  if (weights === 'published') return { verdict: 'good', found };
  const advice = 'its pictures are noise; convert the published weights for real ones';
  return { verdict: 'note', found, advice };
}

async function examineRemote(url: string, engineId: string): Promise<Finding> {
  const base = { area: AREA, name: 'musetalk remote' };
  const address = `${url.replace(/\/+$/, '')}/v2/health/ready`;
  const found = await fetch(address, { signal: AbortSignal.timeout(REMOTE_LIMIT_MS) }).then(
    ({ status }) => (status === 200 ? null : `${address} answers ${status}`),
    () => `${address} does not answer`,
  );
  if (found === null) return { ...base, verdict: 'good', found: `${url} is ready` };
  const advice = 'start that server, or set engine.musetalk.remote_url to null';
  return { ...base, verdict: engineId === 'musetalk' ? 'bad' : 'note', found, advice };
}

function examineOriginals({ originalsFolder }: ModelPlaces): Finding {
  const missing = missingFiles(MUSETALK_MANIFEST, originalsFolder);
  const base = { area: AREA, name: 'musetalk originals' };
  if (missing.length === 0) return { ...base, verdict: 'good', found: 'all published files are there' };
  const found = `${missing.length} published files are not there; only converting needs them`;
  return { ...base, verdict: 'note', found, advice: 'npm run fetch-models -- musetalk' };
}

function line(path: string): string {
  return `Missing required model files: ${relative(process.cwd(), path)}`;
}
