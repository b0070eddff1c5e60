import type { Schema } from '../api/schemas.ts';
import { BINARY_SUBPROTOCOL } from '../frame-service/binary-frames.ts';
import { FRAME_SERVICE_ANSWERS, FRAME_SERVICE_REQUESTS } from './frame-service-schemas.ts';
import { SIGNALLING_ANSWERS, SIGNALLING_REQUESTS } from './signalling-schemas.ts';

interface Socket {
  readonly name: string;
  readonly address: string;
  readonly description: string;
  readonly parameters?: Readonly<Record<string, object>>;
  readonly requests: Readonly<Record<string, Schema>>;
  readonly answers: Readonly<Record<string, Schema>>;
}

/** As frame-service/binary-frames.ts reads and writes them. */
const BINARY_FRAMES = `With the subprotocol ${BINARY_SUBPROTOCOL}, sound and pictures go as binary frames instead, all else as before.
To the server, GENERATE: byte 0 is 1; byte 1 the state (0 idle, 1 speaking, 2 action, 255 not said); byte 2 the length of the clip's name, 0 if
not said; the name (ASCII); then pcm_s16le, 16 kHz, mono. To the client, little-endian: byte 0 is 2 (VIDEO_FRAME) or 3 (ACTION_FRAME);
byte 1 flags (1 key frame, 2 audio_timestamp is known); bytes 2-3 action_index; 4-7 frame_timestamp in ms; 8-11 audio_timestamp in ms, signed;
12-15 action_progress, float32; then the H.264 access unit. Counts of ms wrap after 49 days.`;

const SOCKETS: readonly Socket[] = [
  {
    name: 'signalling',
    address: '/ws',
    description:
      'Signalling of browsers: JSON in text frames, media over WebRTC. A key goes into the header or ?access_token=.',
    requests: SIGNALLING_REQUESTS,
    answers: SIGNALLING_ANSWERS,
  },
  {
    name: 'frameService',
    address: '/musetalk/v1/ws/{user_id}',
    description: `The frame service: sound in, H.264 out, JSON in text frames. A key goes into INIT as auth_token. ${BINARY_FRAMES}`,
    parameters: {
      user_id: { description: '1 to 64 of A-Z a-z 0-9 _ -; an avatar of that id is taken if there is one.' },
    },
    requests: FRAME_SERVICE_REQUESTS,
    answers: FRAME_SERVICE_ANSWERS,
  },
];

/** The AsyncAPI 3.0 document of the WebSockets. `receive` is what the server takes, `send` what it gives. */
export function asyncApi(version: string): object {
  const channels = SOCKETS.map((socket) => [socket.name, channelOf(socket)]);
  return {
    asyncapi: '3.0.0',
    info: { title: 'musecast', version, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(
      SOCKETS.flatMap((socket) => [
        [`${socket.name}Takes`, operationOf('receive', socket, 'request', socket.requests)],
        [`${socket.name}Gives`, operationOf('send', socket, 'answer', socket.answers)],
      ]),
    ),
  };
}

type Side = 'request' | 'answer';

function channelOf({ address, description, parameters, requests, answers }: Socket): object {
  const messages = [...messagesOf('request', requests), ...messagesOf('answer', answers)];
  return { address, description, ...(parameters ? { parameters } : {}), messages: Object.fromEntries(messages) };
}

/** The same type may be said by both sides: the side is part of the name. */
function messagesOf(side: Side, schemas: Readonly<Record<string, Schema>>): [string, object][] {
  return Object.entries(schemas).map(([type, payload]) => [`${side}_${type}`, { name: type, payload }]);
}

function operationOf(
  action: 'receive' | 'send',
  { name }: Socket,
  side: Side,
  schemas: Readonly<Record<string, Schema>>,
) {
  const channel = `#/channels/${name}`;
  return {
    action,
    channel: { $ref: channel },
    messages: Object.keys(schemas).map((type) => ({ $ref: `${channel}/messages/${side}_${type}` })),
  };
}
