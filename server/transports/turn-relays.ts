import { classes, Message, methods, TurnProtocol } from 'werift';

/**
 * A channel is bound again after this long. Binding it also renews the permission of its peer, which a TURN server may let
 * lapse after 300 s (RFC 8656 §9, §12); the library's own 500 s would leave the viewer unheard until then.
 */
const CHANNEL_REFRESH_S = 240;
/** A TURN server that does not answer holds up the end of a connection no longer than this. */
const GIVE_BACK_LIMIT_MS = 300;

const { connectionMade, close } = TurnProtocol.prototype;

/**
 * Repairs how the library treats its relays on TURN servers: it renews permissions too late, and leaves a relay that was
 * reached over UDP to run out by itself, which takes ten minutes and a port of the TURN server. Calling it again changes
 * nothing.
 */
export function treatRelaysWell(): void {
  Object.defineProperty(TurnProtocol.prototype, 'connectionMade', { value: openRelay, configurable: true });
  Object.defineProperty(TurnProtocol.prototype, 'close', { value: giveBackRelay, configurable: true });
}

async function openRelay(this: TurnProtocol): Promise<void> {
  Object.assign(this, { channelRefreshTime: CHANNEL_REFRESH_S });
  await connectionMade.call(this);
}

/** Ends the relay at its server (RFC 8656 §7.1: a refresh with lifetime 0), then closes the socket. */
async function giveBackRelay(this: TurnProtocol): Promise<void> {
  if (this.relayedAddress && !this.transport.closed) {
    const request = new Message(methods.REFRESH, classes.REQUEST);
    request.setAttribute('LIFETIME', 0);
    try {
      await this.requestWithRetry(request, this.server, AbortSignal.timeout(GIVE_BACK_LIMIT_MS));
    } catch {
      // Then it runs out by itself.
    }
  }
  await close.call(this);
}
