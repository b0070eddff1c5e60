import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { modelFiles } from '../engines/registry.ts';
import { describeError } from '../errors.ts';
import { MUSETALK_MANIFEST } from '../models/fetch/musetalk-manifest.ts';
import { goldenFiles } from '../models/golden.ts';
import { knownProviders } from '../models/onnx-model.ts';
import { engineOf } from '../open-scheduler.ts';
import { examineCapacity, expectMusetalk } from './capacity.ts';
import type { Finding } from './finding.ts';
import { examineGpu, nvidiaGpus } from './gpu.ts';
import { examineMachine, machineFacts } from './machine.ts';
import { examineModels } from './models.ts';
import { examineNetwork } from './network.ts';
import { examineCodecs, examinePage } from './page.ts';
import { examineProviders } from './providers.ts';

/** Looks at everything that a server with this configuration needs. Takes some ten seconds; changes nothing. */
export async function examine(config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { settings } = config;
  const machine = machineFacts();
  const engine = settings.engine;
  const providers = await attempt('providers', 'runtime', async () => examineProviders(await knownProviders()));
  return [
    ...examineMachine(machine),
    ...examineGpu(await nvidiaGpus()),
    ...providers,
    ...(await examineModels({
      embeddedFiles: await modelFiles(engineOf(engine, 'embedded')),
      musetalkFiles: [
        ...(await modelFiles(engineOf(engine, 'musetalk'))),
        ...goldenFiles(engine.musetalk.modelsFolder),
      ],
      graphsFolder: engine.musetalk.modelsFolder,
      originalsFolder: resolve(MUSETALK_MANIFEST.folder),
      remoteUrl: engine.musetalk.remoteUrl,
      engineId: engine.id,
    })),
    ...(await attempt('media', 'codecs', async () => examineCodecs())),
    ...(await examineNetwork(settings)),
    ...examinePage(settings, env),
    ...(await attempt('capacity', 'embedded engine', async () => [await examineCapacity(config, machine.cores)])),
    expectMusetalk(providers),
  ];
}

/** What was looked at may be what is broken; that is a finding, not the end. */
async function attempt(area: string, name: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  return look().catch((error: unknown) => {
    const { code, message } = describeError(error);
    return [{ area, name, verdict: 'bad' as const, found: code === 'internal' ? String(error) : message }];
  });
}
