// What the package's types allow, and what they do not.

import { createWorker, SealedCall, SealframeError, supportedFramings, type GroupState, type StreamState } from 'sealframe';
import { identityNonce, ListJudge, newIdentity, OidcJudge, type Verified } from 'sealframe/credentials';
import { SharedSecretFrames, type Opener } from 'sealframe/frames';
import { createWorker as createInline } from 'sealframe/worker-inline';

export async function call(secret: Uint8Array, pc: RTCPeerConnection): Promise<Uint8Array> {
  const workers: Worker[] = [createWorker(), createInline()];
  const call = await SealedCall.joinWithSecret({ secret, member: 1, framing: 'full', worker: workers[0] });
  call.onstate = ({ from, state, code }: StreamState) => console.log(from, state, code);
  call.protect(pc);
  for (const sender of pc.getSenders()) call.protectSender(sender, { kind: 'camera', codec: 'av1' });
  for (const receiver of pc.getReceivers()) call.protectReceiver(receiver, { from: 2, kind: 'screen', index: 1 });
  const connection: RTCPeerConnection = call.createConnection({ iceServers: [] });
  connection.close();
  call.createConnection({}, { dataChannels: 'unprotected' }).createDataChannel('words');
  // @ts-expect-error they are refused, or unprotected
  call.protect(pc, { dataChannels: 'encrypted' });
  await call.addMember(2, await call.announcement());
  if (!supportedFramings().full.includes('vp8')) throw new Error('no');
  // @ts-expect-error a transform carries frames of somebody
  call.protectReceiver(pc.getReceivers()[0]!, { kind: 'camera' });
  // @ts-expect-error there is no such kind
  call.protectSender(pc.getSenders()[0]!, { kind: 'video' });
  // @ts-expect-error the framing is not guessed
  await SealedCall.joinWithSecret({ secret, member: 1, framing: 'guessed' });
  // @ts-expect-error use `SealedCall.joinWithSecret`
  new SealedCall();
  return call.announcement();
}

export async function judged(bytes: Uint8Array, keys: string): Promise<Verified> {
  const { seed } = await newIdentity();
  const { group } = await SealedCall.join({ group: bytes, address: 'a', credential: bytes, identity: seed });
  const judge = new OidcJudge({ issuer: 'https://a', audiences: ['us'], keys, user: 'email', bindings: ['nonce'] });
  group.onjoinrequest = (request) => judge.judge({ ...request, group: bytes });
  judge.replaceKeys(await identityNonce(group.identity));
  // @ts-expect-error an identity is part of what is judged
  await judge.judge({ group: bytes, credential: bytes });
  // @ts-expect-error an application has an audience
  new OidcJudge({ issuer: 'https://a', keys });
  return new ListJudge(keys).judge({ identity: group.identity, group: bytes, credential: bytes, now: 7 });
}

export async function join(bytes: Uint8Array): Promise<GroupState> {
  const { group } = await SealedCall.join({ group: bytes, address: 'a', credential: bytes, kem: 'x-wing', role: 'bot' });
  group.onmessage = ({ to, message }) => console.log(to === null ? 'all' : to.length, message.length);
  group.onjoinrequest = async ({ identity }) => (identity.length === 64 ? { user: identity, moderator: true } : null);
  group.onevent = (event) => {
    if (event.type === 'ended') console.log(event.reason === 'replaced', event.by);
    if (event.type === 'checkCompare') console.log(event.emoji.map(({ symbol }) => symbol).join(' '));
  };
  const refused: string | null = await group.receive(bytes);
  if (refused === null) await group.dropMember('b');
  await group.setSending(false);
  // @ts-expect-error members of a group have addresses
  await group.dropMember(2);
  // @ts-expect-error the server calls everybody something
  await SealedCall.join({ group: bytes, credential: bytes });
  // @ts-expect-error everybody is judged by something
  await SealedCall.join({ group: bytes, address: 'a' });
  // @ts-expect-error there is no such KEM
  await SealedCall.join({ group: bytes, address: 'a', credential: bytes, kem: 'rsa' });
  return group.state();
}

export async function frames(secret: Uint8Array, wire: Uint8Array): Promise<Uint8Array | null> {
  const bot = await SharedSecretFrames.start({ secret, member: 3 });
  const opener: Opener = bot.opener({ from: 1, kind: 'microphone', codec: 'opus' });
  try {
    return opener.open(wire);
  } catch (error) {
    if (error instanceof SealframeError && error.code === 'UnknownKey') return null;
    throw error;
  }
}

import { DaveOpener, LiveKitFrames } from 'sealframe/profiles';

const livekit = await LiveKitFrames.start({ keySize: 256 });
livekit.setKey(0, 'a passphrase');
const opened: Uint8Array = livekit.open(livekit.seal(new ArrayBuffer(5), { codec: 'vp9', type: 'key', ssrc: 1, rtpTimestamp: 0 }), { codec: 'vp9' });
const epoch: bigint = (await DaveOpener.start()).epoch;
// @ts-expect-error a codec that nobody has
livekit.seal(opened, { codec: 'h266', ssrc: 1, rtpTimestamp: 0 });
// @ts-expect-error nonces are made of its timestamp
livekit.seal(opened, { codec: 'vp9', ssrc: 1 });
// @ts-expect-error text is not bytes
await SealedCall.join({ group: 'board meeting', address: 'a', credential: opened });
console.log(epoch);
