import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { candidateTypes, type PairOptions, PeerPair } from '../testing/peer-pair.ts';
import { TurnServer, withoutTurnServer } from '../testing/turn-server.ts';

const open: PeerPair[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pair) => pair.close()));
});

async function connect(options: PairOptions): Promise<PeerPair> {
  const pair = await PeerPair.connect(options);
  open.push(pair);
  return pair;
}

for (const protocol of ['udp', 'tcp'] as const) {
  describe(`a TURN server that is reached over ${protocol.toUpperCase()} alone`, { skip: withoutTurnServer }, () => {
    let turn: TurnServer;
    before(async () => {
      turn = await TurnServer.start({ protocol });
    });
    after(() => turn.stop());

    test('carries pictures and the microphone when the server is relayed', async () => {
      const pair = await connect({ peer: { iceServers: turn.iceServers, transportPolicy: 'relay' } });
      assert.deepEqual(candidateTypes(pair.answerSdp), ['relay']);
      await pair.exchange(50);
    });

    test('carries pictures and the microphone when the viewer is relayed', async () => {
      const pair = await connect({ client: { iceServers: turn.iceServers, transportPolicy: 'relay' } });
      assert.deepEqual(candidateTypes(pair.offerSdp), ['relay']);
      await pair.exchange(50);
    });

    test('carries pictures and the microphone when both are relayed', async () => {
      const relayed = { iceServers: turn.iceServers, transportPolicy: 'relay' } as const;
      const pair = await connect({ client: relayed, peer: relayed });
      await pair.exchange(50);
    });

    test('gets its relays back when the connections end', async () => {
      const before = turn.relaysOpened;
      const pair = await connect({ peer: { iceServers: turn.iceServers, transportPolicy: 'relay' } });
      await turn.until('a relay is opened', () => turn.relaysOpened === before + 1);
      await pair.close();
      await turn.until('all relays are given back', () => turn.relaysGivenBack === turn.relaysOpened);
    });
  });
}

test('a viewer is still allowed to send after five minutes', { skip: withoutTurnServer }, async (context) => {
  const turn = await TurnServer.start({ protocol: 'udp' });
  context.after(() => turn.stop());
  const pair = await connect({ peer: { iceServers: turn.iceServers, transportPolicy: 'relay' } });
  await pair.exchange(5);
  const renewals = turn.permissionsRenewed;
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 290_000 });
  await pair.exchange(5);
  await turn.until('the permission is renewed', () => turn.permissionsRenewed > renewals);
});
