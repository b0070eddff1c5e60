/** What may compute a model, in the words of the runtime, the fastest first. `dml` is DirectML. */
export const PROVIDER_IDS = ['cuda', 'webgpu', 'coreml', 'dml', 'cpu'] as const;

export type ProviderId = (typeof PROVIDER_IDS)[number];

/** Why one of them does not compute. */
export interface ProviderRefusal {
  readonly provider: ProviderId;
  readonly reason: string;
}

/** Which of `wanted` (null: all) this machine can try, in their order, and why not the others. */
export function providersToTry(
  wanted: readonly ProviderId[] | null,
  supported: readonly string[],
  machine = `${process.platform} ${process.arch}`,
): { candidates: readonly ProviderId[]; refusals: readonly ProviderRefusal[] } {
  const asked = [...new Set(wanted ?? PROVIDER_IDS)];
  return {
    candidates: asked.filter((provider) => supported.includes(provider)),
    refusals: asked
      .filter((provider) => !supported.includes(provider))
      .map((provider) => ({ provider, reason: `the runtime for ${machine} does not know it` })),
  };
}
