// One end of a call with livekit-client around the worker: its Room, key provider and encryption
// manager are the real ones, and make streams and messages themselves. What a server would have
// told the room is told it here.

import {
  BaseKeyProvider, LocalAudioTrack, LocalVideoTrack, ParticipantEvent, Room, RoomEvent, setLogLevel,
} from './livekit-client.esm.mjs';

const ALICE = 'alice';
/** `Encryption.Type.GCM` of LiveKit's signalling. */
const GCM = 1;

setLogLevel('warn');

class Keys extends BaseKeyProvider {
  async set(secret, index) {
    const isText = typeof secret === 'string';
    const bytes = isText ? new TextEncoder().encode(secret) : secret;
    const key = await crypto.subtle.importKey('raw', bytes, isText ? 'PBKDF2' : 'HKDF', false, ['deriveBits', 'deriveKey']);
    this.onSetEncryptionKey(key, ALICE, index);
  }
}

export class RoomEnd {
  /** What the room has said. */
  said = [];
  #keys = new Keys();
  #room;
  #isReady;

  constructor(worker, path, isSealing) {
    this.#room = new Room({ encryption: { keyProvider: this.#keys, worker } });
    this.#room.on(RoomEvent.EncryptionError, ({ message }) => this.said.push({ kind: 'error', error: message }));
    this.#keys.on('keyRatcheted', (result, participant, index) => this.said.push({ kind: 'ratchetKey', participant, index }));
    const isOn = new Promise((resolve) => { this.#room.on(RoomEvent.ParticipantEncryptionStatusChanged, resolve); });
    this.#isReady = isSealing ? this.#join(ALICE) : this.#join('bob').then(() => this.#meet());
    this.#isReady = this.#isReady.then(() => isOn);
  }

  async #join(identity) {
    this.#room.localParticipant.identity = identity;
    await this.#room.setE2EEEnabled(true);
    this.#room.emit(RoomEvent.SignalConnected);
  }

  #meet() {
    const alice = { identity: ALICE, trackPublications: new Map() };
    this.#room.remoteParticipants.set(ALICE, alice);
    this.#room.emit(RoomEvent.TrackPublished, { trackInfo: { encryption: GCM } }, alice);
  }

  async setKey(secret, index) {
    await this.#isReady;
    await this.#keys.set(secret, index);
  }

  ratchet(index) {
    this.#keys.ratchetKey(ALICE, index);
  }

  seal(sender) {
    const Track = sender.track.kind === 'video' ? LocalVideoTrack : LocalAudioTrack;
    this.#room.localParticipant.emit(ParticipantEvent.LocalSenderCreated, sender, new Track(sender.track));
  }

  open(receiver, codec) {
    const { kind, id } = receiver.track;
    const trackInfo = { mimeType: kind === 'video' ? `video/${codec}` : 'audio/opus', packetTrailerFeatures: [] };
    const track = { kind, receiver, mediaStreamID: id };
    this.#room.emit(RoomEvent.TrackSubscribed, track, { trackInfo }, { identity: ALICE });
  }

  sealData(bytes) {
    return this.#room.e2eeManager.encryptData(bytes);
  }

  async openData({ payload, iv, keyIndex }) {
    return (await this.#room.e2eeManager.handleEncryptedData(payload, iv, ALICE, keyIndex)).payload;
  }
}
