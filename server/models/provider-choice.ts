import { AppError, describeError } from '../errors.ts';
import { PROVIDER_IDS, type ProviderId, type ProviderRefusal, providersToTry } from './execution-providers.ts';
import { missingForCuda } from './missing-libraries.ts';
import { knownProviders } from './onnx-model.ts';

export interface ProviderTrial<T> {
  /** Tried in this order; null for all that this machine knows, the fastest first. */
  readonly wanted: readonly ProviderId[] | null;
  /** Opens the models on one provider. @throws {AppError} if that is not possible; nothing is left open then. */
  open(provider: ProviderId): Promise<T>;
  /** Computes something whose answer is known. @returns How the answers differ, with figures; null if they are right. */
  compare(opened: NoInfer<T>): Promise<string | null>;
}

/** What computes, and why nothing before it in the order does. */
export interface ProviderChoice<T> {
  readonly provider: ProviderId;
  readonly opened: T;
  readonly refusals: readonly ProviderRefusal[];
}

/**
 * Opens models on the first provider that can and that computes what it should. The reason of each refusal is kept, so that
 * nobody has to guess why a machine with a GPU computes on its processor.
 *
 * @param supported Providers that the runtime knows; asked from it if left out.
 * @throws {AppError} `engine_failed` with the reason of each if none can.
 */
export async function openOnProvider<T extends { close(): Promise<void> }>(
  { wanted, open, compare }: ProviderTrial<T>,
  supported?: readonly string[],
): Promise<ProviderChoice<T>> {
  const { candidates, refusals: unknown } = providersToTry(wanted, supported ?? (await knownProviders()));
  const refusals = [...unknown];
  for (const provider of candidates) {
    const outcome = await tryOne(provider, open, compare);
    if (typeof outcome !== 'string') return { provider, opened: outcome, refusals: inOrder(refusals) };
    refusals.push({ provider, reason: outcome });
  }
  const lines = inOrder(refusals).map(({ provider, reason }) => `  ${provider}: ${reason}`);
  throw new AppError('engine_failed', `No execution provider can compute the models:\n${lines.join('\n')}`);
}

function inOrder(refusals: readonly ProviderRefusal[]): ProviderRefusal[] {
  return refusals.toSorted((a, b) => PROVIDER_IDS.indexOf(a.provider) - PROVIDER_IDS.indexOf(b.provider));
}

/** @returns The models, or why this provider is refused. */
async function tryOne<T extends { close(): Promise<void> }>(
  provider: ProviderId,
  open: (provider: ProviderId) => Promise<T>,
  compare: (opened: T) => Promise<string | null>,
): Promise<T | string> {
  // The runtime tells which library it misses to standard error alone, so it is looked for first.
  const missing = provider === 'cuda' && process.platform === 'linux' ? await missingForCuda() : null;
  if (missing !== null) return missing;
  let opened: T;
  try {
    opened = await open(provider);
  } catch (error) {
    // A file that is missing or wrong is so for every provider.
    if (error instanceof AppError && error.code !== 'engine_failed') throw error;
    return reasonOf(error);
  }
  const refusal = await compare(opened).catch(reasonOf);
  if (refusal === null) return opened;
  await opened.close();
  return refusal;
}

function reasonOf(error: unknown): string {
  const { code, message } = describeError(error);
  // The runtime ends its messages with empty lines.
  return (code === 'internal' ? String(error) : message).trim();
}
