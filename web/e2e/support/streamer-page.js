/**
 * A client of the Streamer's REST that takes the picture alone and plays the recording itself. Writes down how bright each picture
 * is and when it is on the screen, and when each beep of the recording leaves the loudspeaker. Driven through `window.streamer`.
 */

/** The product's own, from the server. */
const RECORDING_SYNC = '/src/recording-sync.js';

const streamer = {
  /** Pictures: `[atMs, luminance]`. @type {[number, number][]} */
  pictures: [],
  /** Beginnings of beeps, ms. @type {number[]} */
  beeps: [],

  /**
   * @param {string} audioPath
   * @param {string} onsetWorklet Text of the worklet that finds beeps.
   */
  async run(audioPath, onsetWorklet) {
    const { RecordingSync } = await import(RECORDING_SYNC);
    const query = new URLSearchParams({ session_id: 'flashes', audio_path: audioPath });
    const started = await post(`/api/webrtc/realtime/start?${query}`);
    const peer = new RTCPeerConnection();
    const video = document.body.appendChild(document.createElement('video'));
    video.muted = true;
    peer.ontrack = ({ track }) => {
      video.srcObject = new MediaStream([track]);
      void video.play();
    };
    peer.addTransceiver('video', { direction: 'recvonly' });
    await peer.setLocalDescription();
    const offer = { session_id: started.session_id, sdp: peer.localDescription?.sdp, type: 'offer', fps: started.fps };
    const answer = await post('/api/webrtc/offer', offer);
    await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });

    const audio = new Audio(started.audio_urls[0]);
    audio.preload = 'auto';
    const context = new AudioContext({ latencyHint: 'interactive' });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([onsetWorklet], { type: 'text/javascript' })));
    const onsets = new AudioWorkletNode(context, 'onset');
    onsets.port.onmessage = ({ data }) => this.beeps.push(heardMs(context, data));
    const source = context.createMediaElementSource(audio);
    source.connect(onsets);
    source.connect(context.destination);
    watch(video, this.pictures);
    const sync = new RecordingSync(video, audio, answer.rtp_origin, () => context.outputLatency);
    this.leave = () => {
      sync.close();
      peer.close();
    };
    return { started, answer };
  },

  leave() {},
};

Object.assign(globalThis, { streamer });

/**
 * @param {string} url
 * @param {object} [body]
 */
async function post(url, body) {
  const headers = body ? { 'content-type': 'application/json' } : undefined;
  const response = await fetch(url, { method: 'POST', headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${answer.detail}`);
  return answer;
}

/**
 * When the sample of a context time leaves the loudspeaker.
 *
 * @param {AudioContext} context
 * @param {number} contextTimeS
 */
function heardMs(context, contextTimeS) {
  const output = context.getOutputTimestamp();
  return (output.performanceTime ?? Number.NaN) + (contextTimeS - (output.contextTime ?? Number.NaN)) * 1000;
}

/**
 * @param {HTMLVideoElement} video
 * @param {[number, number][]} pictures
 */
function watch(video, pictures) {
  const canvas = new OffscreenCanvas(16, 16);
  const pixels = canvas.getContext('2d', { willReadFrequently: true });
  if (!pixels) throw new TypeError('this browser has no canvas');
  /** @type {VideoFrameRequestCallback} */
  const look = (_nowMs, { expectedDisplayTime }) => {
    video.requestVideoFrameCallback(look);
    pixels.drawImage(video, 0, 0, 16, 16);
    const { data } = pixels.getImageData(0, 0, 16, 16);
    let sum = 0;
    for (let i = 1; i < data.length; i += 4) sum += data[i];
    pictures.push([expectedDisplayTime, sum / 256]);
  };
  video.requestVideoFrameCallback(look);
}
