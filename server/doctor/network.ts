import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Settings } from '../config/settings.ts';
import { portUnavailable } from '../http/app.ts';
import type { Finding } from './finding.ts';
import { askIceServer, type IceAddress, readIceAddress } from './stun.ts';

const AREA = 'network';
const ICE_LIMIT_MS = 3000;
/** Ports of a range that are tried, evenly spread. */
const TRIED_PORTS = 16;

/** Whether the HTTP port and UDP ports are free, and STUN and TURN servers answer. */
export async function examineNetwork(
  { http, webrtc }: Pick<Settings, 'http' | 'webrtc'>,
  askServer: (address: IceAddress) => Promise<string | null> = (address) => askIceServer(address, ICE_LIMIT_MS),
): Promise<Finding[]> {
  const urls = webrtc.iceServers.flatMap(({ urls }) => urls);
  return [
    await examinePort(http.host, http.port),
    await examineUdp(webrtc.portRange),
    ...(await Promise.all(urls.map((url) => examineIceServer(url, askServer)))),
    ...(urls.length === 0 ? [NO_ICE_SERVERS] : []),
  ];
}

const NO_ICE_SERVERS: Finding = {
  area: AREA,
  name: 'STUN and TURN',
  verdict: 'note',
  found: 'none are configured',
  advice:
    'none are needed on this machine and in one network; across the internet set webrtc.host_addresses or a TURN server',
};

async function examinePort(host: string, port: number): Promise<Finding> {
  const base = { area: AREA, name: 'HTTP port' };
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    await new Promise((resolve) => server.close(resolve));
    return { ...base, verdict: 'good', found: `${port} of ${host} is free` };
  } catch (error) {
    const advice = 'if it is this server that runs there, all is well';
    return { ...base, verdict: 'bad', found: portUnavailable(error, host, port).message, advice };
  }
}

async function examineUdp(range: readonly [number, number] | null): Promise<Finding> {
  const base = { area: AREA, name: 'UDP ports' };
  const ports = range === null ? [0] : spread(range);
  const taken: number[] = [];
  for (const port of ports) if (!(await canBind(port))) taken.push(port);
  const which = range === null ? 'any' : `${range[0]} to ${range[1]}`;
  if (taken.length === 0)
    return { ...base, verdict: 'good', found: `${which}: can be opened; the firewall must let them in` };
  const found = `${which}: ${taken.length} of ${ports.length} tried cannot be opened (${taken.join(', ')})`;
  const advice = 'take another webrtc.port_range, or stop what uses them';
  return { ...base, verdict: taken.length === ports.length ? 'bad' : 'note', found, advice };
}

function spread([min, max]: readonly [number, number]): number[] {
  const count = Math.min(TRIED_PORTS, max - min + 1);
  return Array.from({ length: count }, (_, i) => min + Math.floor((i * (max - min)) / Math.max(1, count - 1)));
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, () => socket.close(() => resolve(true)));
  });
}

async function examineIceServer(
  url: string,
  askServer: (address: IceAddress) => Promise<string | null>,
): Promise<Finding> {
  const base = { area: AREA, name: url };
  const address = readIceAddress(url);
  if (address === null) return { ...base, verdict: 'bad', found: 'it is no stun:, stuns:, turn: or turns: address' };
  const refusal = await askServer(address);
  if (refusal !== null) {
    return { ...base, verdict: 'bad', found: `does not answer (${refusal})`, advice: 'check address and firewall' };
  }
  const isRelay = url.startsWith('turn');
  return {
    ...base,
    verdict: 'good',
    found: isRelay ? 'answers; its password is tried by the first viewer' : 'answers',
  };
}
