import {
  type RTCIceTransport,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  useAbsSendTime,
  useFIR,
  useH264,
  useNACK,
  useOPUS,
  usePLI,
  useREMB,
  useSdesMid,
  useVP8,
} from 'werift';
import type { VideoCodec } from '../codecs/packet.ts';
import { AppError } from '../errors.ts';
import { readCompoundsSafely } from './rtcp-compounds.ts';
import { makeSrtpKeysOnce } from './srtp-keys.ts';
import { boundTcpBacklog } from './tcp-backlog.ts';
import { treatRelaysWell } from './turn-relays.ts';
import { openSocketsSafely } from './udp-sockets.ts';

/** An answer does not wait longer than this for STUN and TURN servers; what they give later is trickled. */
const GATHER_LIMIT_MS = 2500;

export interface IceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** How this process reaches its viewers. */
export interface NetworkOptions {
  /** `stun:`, `turn:` and `turns:` servers for this side of the connection. The first of each kind is used. */
  readonly iceServers: readonly IceServer[];
  /** `relay` sends everything through the TURN server. */
  readonly transportPolicy: 'all' | 'relay';
  /** Addresses to announce besides those of the machine, such as its public one. */
  readonly hostAddresses: readonly string[];
  /** UDP ports to use, both included, min < max; null for any. */
  readonly portRange: readonly [number, number] | null;
  /** Offer ICE over TCP too. */
  readonly useTcp: boolean;
  readonly useIpv6: boolean;
}

/**
 * Makes a connection that knows Opus and the given video codecs, each with retransmissions. Opens no socket.
 *
 * The only bandwidth feedback is goog-remb, helped by send-times.ts: with transport-wide congestion control browsers stop
 * estimating.
 *
 * @throws {AppError} `config_invalid` if everything is to be relayed and there is no TURN server with a user name.
 */
export function createConnection(network: NetworkOptions, videoCodecs: readonly VideoCodec[]): RTCPeerConnection {
  openSocketsSafely();
  treatRelaysWell();
  readCompoundsSafely();
  makeSrtpKeysOnce();
  const servers = network.iceServers.map(({ urls, ...rest }) => ({
    ...rest,
    urls: typeof urls === 'string' ? [urls] : [...urls],
  }));
  const isRelayed = network.transportPolicy === 'relay';
  if (isRelayed && !servers.some((server) => server.username && server.urls.some((url) => /^turns?:/i.test(url)))) {
    throw new AppError(
      'config_invalid',
      'transportPolicy relay needs a TURN server with username and credential in iceServers.',
    );
  }
  const rtcpFeedback = [useNACK(), usePLI(), useFIR(), useREMB()];
  const make = { H264: useH264, VP8: useVP8 };
  return new RTCPeerConnection({
    codecs: {
      audio: [useOPUS()],
      // One rtx entry repairs only the codec before it.
      video: videoCodecs.flatMap((codec) => [
        make[codec]({ rtcpFeedback }),
        new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 }),
      ]),
    },
    headerExtensions: { audio: [useSdesMid()], video: [useSdesMid(), useAbsSendTime()] },
    iceServers: servers,
    // Otherwise the sockets made for a section stay open when the answer bundles it with another.
    bundlePolicy: 'max-bundle',
    iceTransportPolicy: network.transportPolicy,
    iceAdditionalHostAddresses: network.hostAddresses.length > 0 ? [...network.hostAddresses] : undefined,
    icePortRange: network.portRange ? [network.portRange[0], network.portRange[1]] : undefined,
    iceUseTcp: network.useTcp,
    iceUseIpv6: network.useIpv6,
    iceStunGatherTimeout: 2,
    iceTurnConnectTimeout: 4,
  });
}

/** Prepares the transports of `connection` for gathering: call it before every `setLocalDescription`. */
export function prepareGathering(connection: RTCPeerConnection, network: NetworkOptions): void {
  const hasStun = network.iceServers.some(({ urls }) => [urls].flat().some((url) => /^stuns?:/i.test(url)));
  for (const transport of connection.iceTransports) {
    // Without a STUN server the library asks one of Google's.
    if (!hasStun) transport.connection.stunServer = undefined;
    limitGathering(transport);
  }
}

const limited = new WeakSet<RTCIceTransport>();

function limitGathering(transport: RTCIceTransport): void {
  if (limited.has(transport)) return;
  limited.add(transport);
  const gather = transport.gather.bind(transport);
  transport.gather = async () => {
    const gathered = gather().then(() => boundTcpBacklog(transport));
    const gathering = gathered.finally(() => {
      // A server that answers after the end leaves its socket behind.
      if (transport.state === 'closed') return transport.connection.close();
    });
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GATHER_LIMIT_MS);
    });
    await Promise.race([gathering, limit]);
    clearTimeout(timer);
  };
}

/**
 * Starts connectivity checks again after an ICE restart. The library believes that it need not, because DTLS is up, and would
 * send nothing ever after.
 */
export function resumeChecks(connection: RTCPeerConnection): void {
  for (const { iceTransport, state } of connection.dtlsTransports) {
    if (state !== 'connected' || iceTransport.connection.nominated) continue;
    iceTransport.start().catch(() => {
      // Told by the connection's state, which is watched.
    });
  }
}
