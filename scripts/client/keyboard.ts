import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { AppError } from '../../server/errors.ts';
import type { FrameClient, VideoState } from '../../web/src/frame-client.js';
import { loadSpeech, type Speaker } from './speaker.ts';

const HELP = `say FILE.wav [CLIP]     speaks a wav file, on a clip such as speaking_0
hush                    stops speaking
state STATE [CLIP]      idle or speaking: what is seen while nothing is said
action N                plays action N
clips                   lists the avatar's clips
stats                   what was measured so far
quit                    ends the session`;

export interface Talk {
  readonly client: FrameClient;
  readonly speaker: Speaker;
  /** What was measured so far, in words. */
  readonly stats: () => string;
  readonly say: (line: string) => void;
}

/** Carries out commands from standard input until `quit`, its end, or the end of the session. */
export async function takeCommands(talk: Talk, signal: AbortSignal): Promise<void> {
  talk.say(HELP);
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  lines.prompt();
  for await (const line of lines) {
    try {
      if (!(await carryOut(line.trim().split(/\s+/), talk))) break;
    } catch (error) {
      talk.say(error instanceof Error ? error.message : String(error));
    }
    lines.prompt();
  }
  lines.close();
}

/** @returns False if that was the last command. */
export async function carryOut(words: readonly string[], talk: Talk): Promise<boolean> {
  const { client, speaker, say } = talk;
  const [command, first, second] = words;
  switch (command) {
    case '':
      return true;
    case 'say': {
      const speech = await loadSpeech(resolve(process.cwd(), first ?? ''));
      say(`${(speech.length / 16_000).toFixed(1)} s`);
      // The next command may come meanwhile.
      void speaker.speak(speech, second ?? null).then(() => say('said'));
      return true;
    }
    case 'hush':
      speaker.stop();
      return true;
    case 'state': {
      const answer = await client.changeState((first ?? 'idle') as VideoState, second ?? `${first ?? 'idle'}_0`);
      say(`${answer.current_state}: ${answer.current_video}`);
      return true;
    }
    case 'action':
      say(`action ${(await client.act(Number(first ?? 1))).action_index} comes`);
      return true;
    case 'clips':
      say(client.welcome.available_videos.join(', '));
      return true;
    case 'stats':
      say(talk.stats());
      return true;
    case 'quit':
      return false;
    default:
      throw new AppError('bad_message', `There is no command ${command}.\n${HELP}`);
  }
}
