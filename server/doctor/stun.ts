import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

/** RFC 8489: message types, the cookie, and how long a header is. */
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;

const ATTEMPTS = 3;

/** A STUN or TURN server, as an ICE address names it (RFC 7064, RFC 7065). */
export interface IceAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

/** @returns null if `url` is none. */
export function readIceAddress(url: string): IceAddress | null {
  const match = /^(stuns?|turns?):(\[[^\]]+\]|[^:?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/.exec(url);
  if (!match) return null;
  const [, scheme, host, port, transport] = match;
  const isSecure = scheme.endsWith('s');
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port ?? (isSecure ? 5349 : 3478)),
    transport: transport === 'tcp' || isSecure ? 'tcp' : 'udp',
  };
}

/**
 * Asks a server whether it is there: over UDP by a binding request, which TURN servers answer too; over TCP by connecting.
 *
 * @param limitMs Longest wait altogether.
 * @returns null if it is; otherwise why not.
 */
export function askIceServer(address: IceAddress, limitMs: number): Promise<string | null> {
  return address.transport === 'udp' ? askByUdp(address, limitMs) : askByTcp(address, limitMs);
}

function askByUdp({ host, port }: IceAddress, limitMs: number): Promise<string | null> {
  const transaction = randomBytes(12);
  const request = Buffer.alloc(HEADER_BYTES);
  request.writeUInt16BE(BINDING_REQUEST, 0);
  request.writeUInt32BE(MAGIC_COOKIE, 4);
  transaction.copy(request, 8);
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let attempts = 0;
    const end = (reason: string | null): void => {
      clearInterval(timer);
      socket.close();
      resolve(reason);
    };
    // Packets get lost, so it is asked more than once.
    const ask = (): void => {
      if (attempts++ === ATTEMPTS) end(`no answer within ${limitMs} ms`);
      else socket.send(request, port, host, (error) => error && end(error.message));
    };
    const timer = setInterval(ask, limitMs / ATTEMPTS);
    socket.on('error', (error) => end(error.message));
    socket.on('message', (answer) => {
      if (isAnswer(answer, transaction)) end(null);
    });
    ask();
  });
}

function isAnswer(answer: Buffer, transaction: Buffer): boolean {
  if (answer.length < HEADER_BYTES || !answer.subarray(8, HEADER_BYTES).equals(transaction)) return false;
  return [BINDING_SUCCESS, BINDING_ERROR].includes(answer.readUInt16BE(0));
}

function askByTcp({ host, port }: IceAddress, limitMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: limitMs });
    const end = (reason: string | null): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`no connection within ${limitMs} ms`));
    socket.once('error', (error) => end(error.message));
  });
}
