import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { checkCodecs } from './codecs/probe-codecs.ts';
import type { Config } from './config/config.ts';
import { portUnavailable } from './http/app.ts';
import { missingFiles } from './models/fetch/fetch-files.ts';
import { MUSETALK_MANIFEST } from './models/fetch/musetalk-manifest.ts';

/** One thing that keeps the server from working, for the person who starts it. */
export type Problem = string;

/**
 * Looks, before anything is opened, whether the server can work: codecs, certificate, media files, models, port.
 *
 * @param modelFiles Absolute paths of the files that the configured engine needs.
 * @returns All that is wrong; empty if the server may start.
 */
export async function checkStart(config: Config, modelFiles: readonly string[]): Promise<Problem[]> {
  const { http } = config.settings;
  return [
    ...checkCodecs(),
    ...(http.tls ? checkTls(http.tls) : []),
    ...checkMedia(config),
    ...checkModels(modelFiles, config.settings.engine.id),
    ...(await checkPort(http.host, http.port)),
  ];
}

/** Whether key and certificate can be read, belong together and are valid today. */
export function checkTls(files: { readonly key: string; readonly certificate: string }, nowMs = Date.now()): Problem[] {
  const key = readPart('key', files.key, createPrivateKey);
  const certificate = readPart('certificate', files.certificate, (pem) => new X509Certificate(pem));
  const problems = [key, certificate].filter((part) => typeof part === 'string');
  if (typeof key === 'string' || typeof certificate === 'string') return problems;
  if (!certificate.checkPrivateKey(key)) {
    problems.push(`http.tls: the key ${files.key} does not belong to the certificate ${files.certificate}.`);
  }
  if (certificate.validToDate.getTime() < nowMs) {
    problems.push(`http.tls: the certificate ${files.certificate} ended on ${certificate.validTo}; get a new one.`);
  }
  return problems;
}

/**
 * Missing model files, one a line.
 * @param originals Folder of the published files that MuseTalk's are converted from.
 */
export function checkModels(
  paths: readonly string[],
  engine: string,
  originals = resolve(MUSETALK_MANIFEST.folder),
): Problem[] {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length === 0) return [];
  const wanted = engine === 'musetalk' ? missingFiles(MUSETALK_MANIFEST, originals) : [];
  const all = [...missing, ...wanted.map((path) => join(originals, path))];
  const lines = all.map((path) => `Missing required model files: ${relative(process.cwd(), path)}`);
  return [[...lines, adviceFor(engine, wanted.length > 0)].join('\n')];
}

function adviceFor(engine: string, needsOriginals: boolean): string {
  if (engine !== 'musetalk') {
    return `The ${engine} engine needs them. Put them there, or set engine.id in configs/server.yaml to static.`;
  }
  const fetching = needsOriginals ? 'Fetch them: npm run fetch-models -- musetalk\n' : '';
  return `The musetalk engine needs them.\n${fetching}${MUSETALK_MANIFEST.next}\nOr set engine.id in configs/server.yaml to embedded.`;
}

function checkMedia({ avatars }: Config): Problem[] {
  const missing: Problem[] = [];
  for (const { id, videoFile, videoPath, audioClips } of avatars) {
    if (!existsSync(videoFile)) {
      missing.push(`Avatar ${id}: video_path ${videoPath} does not exist (looked for ${videoFile}); check the path.`);
    }
    for (const [name, path] of Object.entries(audioClips)) {
      if (!existsSync(path)) missing.push(`Avatar ${id}: audio clip ${name} does not exist (looked for ${path}).`);
    }
  }
  return missing;
}

async function checkPort(host: string, port: number): Promise<Problem[]> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    await new Promise((resolve) => server.close(resolve));
    return [];
  } catch (error) {
    return [portUnavailable(error, host, port).message];
  }
}

/** What `parse` makes of the file, or what is wrong with it. */
function readPart<T>(name: string, path: string, parse: (pem: Buffer) => T): T | Problem {
  try {
    return parse(readFileSync(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return `http.tls.${name} must be a PEM file, ${path} is not: ${reason}`;
  }
}
