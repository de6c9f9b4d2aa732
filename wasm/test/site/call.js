// A call of two members within one page: real connections, the browser's camera and microphone.

/** Resolves to what both sides saw once everything that Alice sends has been opened by Bob, under a key and under its next step. */
export async function call({ SealedCall, createWorker }) {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const start = (member) => SealedCall.start({ secret, member, worker: createWorker?.() });
  const [alice, bob] = [await start(1), await start(2)];
  await bob.addMember(1, await alice.announcement());

  const [sending, receiving] = [alice.createConnection(), bob.createConnection()];
  sending.onicecandidate = ({ candidate }) => receiving.addIceCandidate(candidate);
  receiving.onicecandidate = ({ candidate }) => sending.addIceCandidate(candidate);

  const KINDS = { audio: 'microphone', video: 'camera' };
  receiving.ontrack = ({ receiver, track }) => {
    bob.protectReceiver(receiver, { from: 1, kind: KINDS[track.kind] });
    const player = document.createElement(track.kind);
    player.srcObject = new MediaStream([track]);
    player.muted = true;
    player.play().catch(() => {});
    document.body.append(player);
  };
  const seen = {};
  const kids = [];
  const follow = Promise.all([alice, bob].map((member, of) => {
    kids[of] = [];
    return new Promise((resolve) => {
      member.onkey = ({ kind, kid }) => {
        if (kind === 'camera' && kids[of].push(kid) === 2) resolve();
      };
    });
  }));
  const done = new Promise((resolve, reject) => {
    for (const member of [alice, bob]) {
      member.onerror = reject;
      member.onstate = ({ direction, kind, state, code }) => {
        seen[`${direction} ${kind}`] = code === null ? state : `${state} ${code}`;
        const states = Object.values(seen);
        if (states.length === 4 && states.every((it) => it === 'encrypted')) resolve(seen);
      };
    }
    setTimeout(() => reject(new Error(`not encrypted in time: ${JSON.stringify(seen)}`)), 20_000);
  });

  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  for (const track of stream.getTracks()) {
    const sender = sending.addTrack(track, stream);
    alice.protectSender(sender, { kind: KINDS[track.kind] });
  }
  await sending.setLocalDescription();
  await receiving.setRemoteDescription(sending.localDescription);
  await receiving.setLocalDescription();
  await sending.setRemoteDescription(receiving.localDescription);
  await done;
  await alice.ratchet();
  await follow;
  const [sealed, opened] = kids.map((each) => each.join());
  if (sealed !== opened || kids[0][0] === kids[0][1]) throw new Error(`KIDs ${sealed} sealed, ${opened} opened`);
  await Promise.all([alice.close(), bob.close()]);
  return seen;
}
