import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareClips } from '../../server/avatars/prepare-clips.ts';
import { AVATAR_SIZE_PX } from '../../server/avatars/prepared-files.ts';
import { answerRequests } from './asked-process.ts';
import type { PrepareFigures, PrepareRequest } from './prepare.ts';

/** Prepares one source, as the server's own process does, and says what it took. */
answerRequests<PrepareRequest>(async ({ path }): Promise<PrepareFigures> => {
  const folder = await mkdtemp(join(tmpdir(), 'prepare-'));
  const stages: [string, number][] = [];
  try {
    const clips = [{ name: 'idle_0', path }];
    const job = {
      avatarId: 'bench',
      clips,
      bboxShiftPx: 0,
      folder,
      finalFolder: folder,
      sizePx: AVATAR_SIZE_PX,
      seed: 1,
    };
    await prepareClips(
      job,
      () => {},
      (stage, ms) => stages.push([stage, ms]),
    );
    return { stages, peakMb: process.resourceUsage().maxRSS / 1000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
