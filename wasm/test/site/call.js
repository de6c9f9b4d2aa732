// A call of two members within one page: real connections, the browser's camera and microphone.

/**
 * Resolves to what both sides saw once everything that Alice sends has been opened by Bob, under a
 * key and under its next step.
 */
export async function call({ SealedCall, createWorker }) {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const start = (member) => SealedCall.joinWithSecret({ secret, member, worker: createWorker?.() });
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
  await join({ SealedCall, createWorker });
  return seen;
}

/**
 * Two members with keys of their own: the module of the key management is found too, and both show
 * one code.
 */
async function join({ SealedCall, createWorker }) {
  const groups = [];
  for (const address of ['alice', 'bob']) {
    const credential = new TextEncoder().encode(address);
    const call = await SealedCall.join({ group: new Uint8Array(4), address, credential, worker: createWorker?.() });
    groups.push(call.group);
    call.group.onjoinrequest = ({ address: user }) => ({ user });
    call.group.onmessage = ({ message }) => {
      for (const other of groups) if (other !== call.group) other.receive(message);
    };
  }
  const codes = async () => Promise.all(groups.map(async (group) => {
    const { members, callCode } = await group.state();
    return members[0]?.generation === 0 ? callCode : group.session;
  }));
  for (let tries = 0; new Set(await codes()).size > 1; tries += 1) {
    if (tries > 200) throw new Error(`codes ${await codes()}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  await Promise.all(groups.map((group) => group.leave()));
}
