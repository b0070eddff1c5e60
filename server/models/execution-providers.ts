/** What may compute a model, in the words of the runtime. `dml` is DirectML. */
export const PROVIDER_IDS = ['cuda', 'webgpu', 'coreml', 'dml', 'cpu'] as const;

export type ProviderId = (typeof PROVIDER_IDS)[number];
