/**
 * The measuring page: a viewer that writes down when it saw each flash and heard each beep, as `performance.now()` ms.
 * Driven by scripts/bench through `window.bench`.
 */

import { LipSync } from './lip-sync.js';

/** Mean luminance, 0..255, from which on the square is white. */
const WHITE = 200;
/** Side of the picture of the square that is looked at, in pixels. */
const LOOK_PX = 4;
/** Packets of sound come every 20 ms. */
const SOUND_POLL_MS = 8;
/** How often the browser is asked how far it believes sound and picture to be apart. */
const ESTIMATE_MS = 1000;

const video = document.body.appendChild(document.createElement('video'));
/** What was measured and not taken yet. */
const events = { flashes: [], darks: [], beeps: [], microphone: [], sounds: [], estimates: [] };
let peer = null;
let context = null;
let socket = null;

window.bench = {
  /**
   * @param {{ url: string, square: { x: number, y: number, sizePx: number }, hasMicrophone: boolean }} options
   *   WebSocket of the server; the square that flashes, in pixels of the picture.
   * @returns When media is flowing.
   */
  async start({ url, square, hasMicrophone }) {
    context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
    await context.audioWorklet.addModule('onset-worklet.js');
    await context.resume();
    if (context.state !== 'running') throw new Error(`the AudioContext is ${context.state}`);
    peer = new RTCPeerConnection();
    // The product's own, as its page uses it.
    new LipSync(peer);
    const remote = new Promise((resolve) => {
      peer.ontrack = ({ streams: [stream] }) => stream.getTracks().length === 2 && resolve(stream);
    });
    if (hasMicrophone) await addMicrophone();
    else peer.addTransceiver('audio', { direction: 'sendrecv' });
    peer.addTransceiver('video', { direction: 'recvonly' });
    await signal(url);
    video.srcObject = await remote;
    watchSquare(square);
    watchSound();
    setInterval(estimate, ESTIMATE_MS);
    listen(video.srcObject, (contextTimeS) => events.beeps.push(heardMs(contextTimeS)));
    await video.play();
  },

  /** @returns When the message was sent. */
  say(message) {
    socket.send(JSON.stringify(message));
    return performance.now();
  },

  mute() {
    for (const { track } of peer.getSenders()) if (track) track.enabled = false;
  },

  /** What was measured since the last call, and what the browser counted so far. */
  async take() {
    const taken = { ...events };
    for (const name of Object.keys(events)) events[name] = [];
    return { ...taken, counts: await counts() };
  },
};

/** Sends the beeps of the browser's fake microphone, untouched. */
async function addMicrophone() {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  peer.addTrack(stream.getAudioTracks()[0], stream);
  const capturedMs = captureClock();
  listen(stream, (contextTimeS) => events.microphone.push(capturedMs(contextTimeS)));
}

function listen(stream, onOnset) {
  const onsets = new AudioWorkletNode(context, 'onset');
  onsets.port.onmessage = ({ data }) => onOnset(data);
  context.createMediaStreamSource(stream).connect(onsets);
}

/** When the sample of a context time leaves the loudspeaker. */
function heardMs(contextTimeS) {
  const output = context.getOutputTimestamp();
  return output.performanceTime + (contextTimeS - output.contextTime) * 1000;
}

/**
 * When the sample of a context time came into the audio graph: the smallest difference of the two clocks, since every look
 * at them is late by some part of a block.
 */
function captureClock() {
  let differenceMs = Number.POSITIVE_INFINITY;
  setInterval(() => {
    differenceMs = Math.min(differenceMs, performance.now() - context.currentTime * 1000);
  }, 7);
  return (contextTimeS) => contextTimeS * 1000 + differenceMs;
}

function watchSquare({ x, y, sizePx }) {
  const canvas = new OffscreenCanvas(LOOK_PX, LOOK_PX);
  const pixels = canvas.getContext('2d', { willReadFrequently: true });
  let wasWhite = true;
  const look = (_nowMs, { expectedDisplayTime: atMs, rtpTimestamp }) => {
    video.requestVideoFrameCallback(look);
    pixels.drawImage(video, x, y, sizePx, sizePx, 0, 0, LOOK_PX, LOOK_PX);
    const isWhite = luminance(pixels.getImageData(0, 0, LOOK_PX, LOOK_PX).data) >= WHITE;
    if (isWhite !== wasWhite) (isWhite ? events.flashes : events.darks).push({ atMs, rtpTimestamp });
    wasWhite = isWhite;
  };
  video.requestVideoFrameCallback(look);
}

/** Writes down when each packet of sound is played: taken from the jitter buffer, and then on its way to the loudspeaker. */
function watchSound() {
  const receiver = peer.getReceivers().find(({ track }) => track.kind === 'audio');
  let last = null;
  setInterval(() => {
    const [source] = receiver.getSynchronizationSources();
    if (!source || source.rtpTimestamp === last) return;
    last = source.rtpTimestamp;
    const atMs = source.timestamp - performance.timeOrigin + context.outputLatency * 1000;
    events.sounds.push({ atMs, rtpTimestamp: source.rtpTimestamp });
  }, SOUND_POLL_MS);
}

/** How much newer the sound being played is than the picture on show, in the browser's own opinion, ms. */
async function estimate() {
  const playedMs = {};
  for (const { type, kind, estimatedPlayoutTimestamp } of (await peer.getStats()).values()) {
    if (type === 'inbound-rtp') playedMs[kind] = estimatedPlayoutTimestamp;
  }
  const soundEarlyMs = playedMs.audio - playedMs.video;
  if (Number.isFinite(soundEarlyMs)) events.estimates.push(soundEarlyMs);
}

/** Mean luminance of RGBA pixels, 0..255 (ITU-R BT.709). */
function luminance(data) {
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += 0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2];
  return sum / (data.length / 4);
}

/** Offers, and trickles candidates both ways. Resolves once connected. */
async function signal(url) {
  socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`${url} does not answer`));
  });
  const send = (message) => socket.send(JSON.stringify(message));
  const connected = new Promise((resolve, reject) => {
    peer.onconnectionstatechange = () => peer.connectionState === 'connected' && resolve();
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'answer') await peer.setRemoteDescription(message);
      else if (message.type === 'ice_candidate') await peer.addIceCandidate(message.candidate);
      else if (message.type === 'error') reject(new Error(message.message));
    };
  });
  peer.onicecandidate = ({ candidate }) => send({ type: 'ice_candidate', candidate });
  await peer.setLocalDescription();
  send({ type: 'offer', sdp: peer.localDescription.sdp });
  await connected;
}

/** Of the browser's own statistics, those that tell how well the picture runs. */
async function counts() {
  const picked = { framesDecoded: 0, framesDropped: 0, freezeCount: 0, packetsLost: 0 };
  for (const report of (await peer.getStats()).values()) {
    if (report.type !== 'inbound-rtp' || report.kind !== 'video') continue;
    for (const name of Object.keys(picked)) picked[name] = report[name] ?? 0;
  }
  return picked;
}
