/** Values of the labels of one series. Never an id, address or anything else that a client chooses. */
export type Labels = Readonly<Record<string, string>>;

/** How counters of the process (`Metrics`) are told: one family per name, one series per counter. */
export interface CounterFamily {
  readonly name: string;
  readonly help: string;
  readonly series: readonly { readonly counter: string; readonly labels: Labels }[];
}

/** How measurements of the process are told. */
export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  /** What one unit of the measurement is in the family's unit: 0.001 for ms told in seconds. */
  readonly scale: number;
  /** First and last border in the measurement's own unit, powers of ten. */
  readonly from: number;
  readonly to: number;
  readonly bordersPerDecade: number;
  /** True if only whole numbers are measured; borders are told rounded down. */
  readonly isWhole?: boolean;
  readonly series: readonly { readonly histogram: string; readonly labels: Labels }[];
}

const MS = { scale: 0.001, from: 0.1, to: 1000, bordersPerDecade: 6 } as const;

/** Counters by family. One that is not named here is told as `musecast_<counter>_total`. */
export const COUNTER_FAMILIES: readonly CounterFamily[] = [
  {
    name: 'musecast_frames_total',
    help: 'Pictures that were shown, by their mouth: drawn by the engine, or the closed one of the avatar in silence.',
    series: labelled('mouth', { frames_drawn: 'drawn', frames_closed: 'closed' }),
  },
  {
    name: 'musecast_frames_replaced_total',
    help: 'Pictures whose mouth was wanted and could not be shown, by reason; the one before or a closed mouth was.',
    series: labelled('reason', {
      frames_late: 'engine_late',
      frames_failed: 'engine_failed',
      frames_without_memory: 'no_memory',
      frames_held: 'engine_shared',
      frames_resting: 'engine_full',
    }),
  },
  {
    name: 'musecast_frames_late_total',
    help: 'Pictures that were sent after their sound, because their encoding was not finished.',
    series: [{ counter: 'encodes_late', labels: {} }],
  },
  {
    name: 'musecast_frames_dropped_total',
    help: 'Pictures that were not sent, by reason.',
    series: labelled('reason', {
      encodes_failed: 'encoder_failed',
      packets_dropped: 'queue_full',
      frames_dropped_slow_client: 'slow_client',
    }),
  },
  one(
    'musecast_frames_sent_total',
    'Encoded pictures that were sent, once for all viewers of a session.',
    'video_frames_sent',
  ),
  one(
    'musecast_frames_shared_total',
    'Pictures that came from a loop that all silent sessions share.',
    'frames_from_loop',
  ),
  one('musecast_key_frames_sent_total', 'Key frames among the pictures sent.', 'key_frames_sent'),
  one('musecast_key_frames_requested_total', 'Key frames that viewers asked for.', 'key_frames_requested'),
  one(
    'musecast_video_sent_bytes_total',
    'Bytes of encoded pictures, once for all viewers of a session.',
    'video_bytes_sent',
  ),
  one('musecast_frame_service_sent_bytes_total', 'Bytes sent to clients of the frame service.', 'frame_service_bytes'),
  one('musecast_sessions_created_total', 'Sessions that began.', 'sessions_created'),
  one(
    'musecast_sound_chunks_interrupted_total',
    'Pieces of 20 ms of sound that an interrupt kept from being sent.',
    'stale_chunks',
  ),
  one(
    'musecast_delay_steps_total',
    'Times that the delay of a session grew by 20 ms, because its pictures came too late again and again.',
    'delay_steps',
  ),
  one('musecast_stalls_total', 'Times that the process stood still for longer than half a second.', 'long_stalls'),
  one('musecast_engine_restarts_total', 'Threads of the engine that died and were started anew.', 'engine_restarts'),
  one('musecast_device_stalls_total', 'Times that the device of the engine did not answer.', 'device_stalls'),
  one(
    'musecast_device_out_of_memory_total',
    'Batches that the device had no memory for; smaller ones follow.',
    'device_out_of_memory',
  ),
  one('musecast_engine_failures_total', 'Batches that the engine refused.', 'engine_failures'),
];

/** Measurements by family. One in ms that is not named here is told as `musecast_<measurement without _ms>_seconds`. */
export const HISTOGRAM_FAMILIES: readonly HistogramFamily[] = [
  {
    ...MS,
    from: 0.01,
    bordersPerDecade: 3,
    name: 'musecast_stage_seconds',
    help: 'Time that one stage of the line takes: decode (20 ms of a microphone), features (20 ms of sound), queue (waiting for the engine, there and back), engine and compose (one batch), encode (one picture), encode_sound (20 ms), send (one picture to all viewers).',
    series: [
      { histogram: 'sound_decode_ms', labels: { stage: 'decode' } },
      { histogram: 'features_ms', labels: { stage: 'features' } },
      { histogram: 'engine_queue_ms', labels: { stage: 'queue' } },
      { histogram: 'batch_infer_ms', labels: { stage: 'engine' } },
      { histogram: 'batch_compose_ms', labels: { stage: 'compose' } },
      { histogram: 'video_encode_ms', labels: { stage: 'encode' } },
      { histogram: 'opus_encode_ms', labels: { stage: 'encode_sound' } },
      { histogram: 'packetise_ms', labels: { stage: 'send' } },
    ],
  },
  {
    ...MS,
    name: 'musecast_frame_gap_seconds',
    help: 'Time between two pictures of a session being sent; 0.04 is perfect.',
    series: [{ histogram: 'frame_gap_ms', labels: {} }],
  },
  {
    ...MS,
    name: 'musecast_mouth_gap_seconds',
    help: 'Time between two new mouths of an avatar that talks; 0.04 is perfect.',
    series: [{ histogram: 'mouth_gap_ms', labels: {} }],
  },
  {
    ...MS,
    name: 'musecast_av_offset_seconds',
    help: 'How much later than its sound a picture is sent; the viewer sees the same offset as long as its buffers hold.',
    series: [{ histogram: 'picture_after_sound_ms', labels: {} }],
  },
  {
    ...MS,
    name: 'musecast_sound_to_picture_seconds',
    help: 'From the arrival of a microphone packet to the picture that shows its sound being sent.',
    series: [{ histogram: 'arrival_to_sent_ms', labels: {} }],
  },
  {
    ...MS,
    name: 'musecast_tick_late_seconds',
    help: 'How late the steps of sessions run: the main thread has too much to do.',
    series: [{ histogram: 'step_late_ms', labels: {} }],
  },
  {
    scale: 1,
    from: 1,
    to: 100,
    bordersPerDecade: 6,
    isWhole: true,
    name: 'musecast_engine_batch_frames',
    help: 'Pictures that the engine draws in one go.',
    series: [{ histogram: 'batch_jobs', labels: {} }],
  },
  {
    ...MS,
    name: 'musecast_rtcp_round_trip_seconds',
    help: 'Round trip to viewers, once per report that they send.',
    series: [{ histogram: 'rtcp_round_trip_ms', labels: {} }],
  },
  {
    scale: 0.01,
    from: 0.1,
    to: 100,
    bordersPerDecade: 3,
    name: 'musecast_rtcp_loss_ratio',
    help: 'Share of packets lost on the way to viewers, once per report that they send.',
    series: [{ histogram: 'rtcp_lost_percent', labels: {} }],
  },
];

/** Measurements that are parts or sums of those in the families and told by `/figures` alone. */
export const UNTOLD_HISTOGRAMS: ReadonlySet<string> = new Set([
  'engine_round_trip_ms',
  'infer_ms',
  'compose_ms',
  'sound_in_ms',
  'step_ms',
]);

/** The family of a counter that is in none. */
export function ownCounterFamily(counter: string): CounterFamily {
  return one(`musecast_${counter}_total`, `Counted as ${counter}.`, counter);
}

/** The family of a measurement that is in none; null unless its name ends with its unit, ms. */
export function ownHistogramFamily(histogram: string): HistogramFamily | null {
  if (!histogram.endsWith('_ms')) return null;
  const name = `musecast_${histogram.slice(0, -'_ms'.length)}_seconds`;
  return { ...MS, bordersPerDecade: 3, name, help: `Measured as ${histogram}.`, series: [{ histogram, labels: {} }] };
}

function one(name: string, help: string, counter: string): CounterFamily {
  return { name, help, series: [{ counter, labels: {} }] };
}

function labelled(label: string, values: Readonly<Record<string, string>>): CounterFamily['series'] {
  return Object.entries(values).map(([counter, value]) => ({ counter, labels: { [label]: value } }));
}
