import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkTls } from '../checks.ts';
import { checkCodecs } from '../codecs/probe-codecs.ts';
import type { Settings } from '../config/settings.ts';
import { describeError } from '../errors.ts';
import { isLoopback, openAccess } from '../http/access/open-access.ts';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is worth a word. */
const SOON_DAYS = 14;

/** Whether sound and pictures can be coded. */
export function examineCodecs(problems: readonly string[] = checkCodecs()): Finding[] {
  const base = { area: 'media', name: 'codecs' };
  if (problems.length === 0) return [{ ...base, verdict: 'good', found: 'H.264, VP8, Opus and all others are there' }];
  return [{ ...base, verdict: 'bad', found: problems.join('\n') }];
}

/** Whether browsers will give the page a microphone, and clients get in. */
export function examinePage(settings: Settings, env: NodeJS.ProcessEnv, nowMs = Date.now()): Finding[] {
  const { http } = settings;
  return [...(http.tls ? [examineTls(http.tls, nowMs)] : []), examineSecurity(http), examineKeys(settings, env)];
}

function examineTls(files: { readonly key: string; readonly certificate: string }, nowMs: number): Finding {
  const base = { area: 'page', name: 'certificate' };
  const problems = checkTls(files, nowMs);
  if (problems.length > 0) return { ...base, verdict: 'bad', found: problems.join('\n') };
  const { validTo, validToDate } = new X509Certificate(readFileSync(files.certificate));
  const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
  const found = `valid until ${validTo} (${days} days)`;
  return days < SOON_DAYS
    ? { ...base, verdict: 'note', found, advice: 'renew it' }
    : { ...base, verdict: 'good', found };
}

function examineSecurity({ host, tls, trustProxy }: Settings['http']): Finding {
  const base = { area: 'page', name: 'microphone' };
  if (tls) return { ...base, verdict: 'good', found: 'HTTPS: browsers give it' };
  if (isLoopback(host))
    return { ...base, verdict: 'good', found: `browsers give it to http://${host} on this machine` };
  if (trustProxy) return { ...base, verdict: 'note', found: 'browsers give it if the proxy in front speaks HTTPS' };
  const advice = 'set http.tls, or put an HTTPS proxy in front and set http.trust_proxy';
  return { ...base, verdict: 'note', found: `browsers refuse it to http://${host} from other machines`, advice };
}

function examineKeys(settings: Settings, env: NodeJS.ProcessEnv): Finding {
  const base = { area: 'page', name: 'access' };
  try {
    const { access } = openAccess(settings, env);
    return {
      ...base,
      verdict: 'good',
      found: access.isRequired ? 'clients need a key' : 'everybody who gets there may use it',
    };
  } catch (error) {
    return { ...base, verdict: 'bad', found: describeError(error).message };
  }
}
