// A stand-in for a LiveKit server's signalling, in front of the example server: enough for
// LiveKit's clients to meet in a room and to receive each other's tracks and those of all other
// participants. Media go to the example server directly.
//
// Source: livekit_rtc.proto, version 1 of the protocol with one peer connection, in which the
// client always offers.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

import {
  Encryption_Type, JoinRequest, ParticipantInfo_State, SignalRequest, SignalResponse, TrackSource, TrackType,
  WrappedJoinRequest, WrappedJoinRequest_Compression,
} from '@livekit/protocol';
import { WebSocket, WebSocketServer } from 'ws';

import { mediaSections, readied } from './sdp.mjs';

/** A server adds it to frames that it makes itself. This one makes none. */
const SIF_TRAILER = new TextEncoder().encode('a trailer that nobody has');

const SOURCES = {
  microphone: TrackSource.MICROPHONE,
  camera: TrackSource.CAMERA,
  screen: TrackSource.SCREEN_SHARE,
  screenAudio: TrackSource.SCREEN_SHARE_AUDIO,
};
const KINDS = new Map(Object.entries(SOURCES).map(([kind, source]) => [source, kind]));

const sidOf = (id) => `PA_${id}`;
const trackSidOf = (id, { kind, index }) => `TR_${id}_${kind}_${index}`;
const mediaOf = (kind) => (kind === 'camera' || kind === 'screen' ? 'video' : 'audio');

/** Listens on a free port, for clients that shall meet in `room` of the example server at `sfu`.
 * A token is just a name. */
export async function startLiveKit({ sfu, room = 'test' }) {
  const http = createServer((request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (client, { url, headers }) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const token = searchParams.get('access_token') ?? headers.authorization?.replace(/^Bearer /, '');
    if (pathname !== '/rtc/v1' || !token) return client.close();
    new Session(client, { sfu, room, identity: token, join: readJoinRequest(searchParams.get('join_request')) });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `ws://127.0.0.1:${http.address().port}`,
    close() {
      for (const client of sockets.clients) client.terminate();
      http.close();
    },
  };
}

/** A client, and its participant on the example server. */
class Session {
  #client;
  #server;
  #id;
  #room;
  #identity;
  #members = new Map(); // id → { name, tracks }
  #published = new Map(); // cid → { kind, index }
  #slots = new Map(); // mid → { from, kind, index }
  #offers = []; // not answered yet

  constructor(client, { sfu, room, identity, join }) {
    this.#client = client;
    this.#room = room;
    this.#identity = identity;
    this.#server = new WebSocket(new URL(`ws?${new URLSearchParams({ room, name: identity })}`, sfu.replace('http', 'ws')));
    this.#server.on('message', (data) => this.#hearServer(JSON.parse(data), join));
    this.#server.on('close', () => client.close());
    this.#server.on('error', () => client.close());
    this.#client.on('message', (data) => this.#hearClient(SignalRequest.fromBinary(data).message));
    this.#client.on('close', () => this.#server.close());
  }

  #say(kind, value) {
    this.#client.send(new SignalResponse({ message: { case: kind, value } }).toBinary());
  }

  #hearClient({ case: kind, value }) {
    if (kind === 'offer') this.#offer(value);
    if (kind === 'addTrack') this.#publish(value);
    if (kind === 'pingReq') this.#say('pongResp', { lastPingTimestamp: value.timestamp, timestamp: BigInt(Date.now()) });
    if (kind === 'leave') this.#client.close();
  }

  #hearServer({ type, id, from, name, members, tracks, sdp }, join) {
    if (type === 'welcome') {
      this.#id = id;
      for (const member of members) this.#members.set(member.id, member);
      this.#welcome(join);
    }
    if (type === 'joined') this.#update(id, { name, tracks });
    if (type === 'tracks') this.#update(from, { ...this.#members.get(from), tracks });
    if (type === 'left') this.#update(id);
    if (type === 'answer') this.#answer(this.#offers.shift(), sdp);
  }

  #welcome(join) {
    this.#say('join', {
      room: { sid: `RM_${this.#room}`, name: this.#room },
      participant: this.#info(this.#id, { name: this.#identity, tracks: [] }),
      otherParticipants: [...this.#members].map(([id, member]) => this.#info(id, member)),
      serverVersion: '1.12.0',
      pingTimeout: 60,
      pingInterval: 20,
      sifTrailer: SIF_TRAILER,
      fastPublish: false,
    });
    for (const request of join?.addTrackRequests ?? []) this.#publish(request);
    if (join?.publisherOffer) this.#offer(join.publisherOffer);
    else this.#require([...this.#members.values()].flatMap(({ tracks }) => tracks));
  }

  /** Updates a member; nothing means that it left. */
  #update(id, member) {
    const before = this.#members.get(id);
    const state = member === undefined ? ParticipantInfo_State.DISCONNECTED : ParticipantInfo_State.ACTIVE;
    if (member === undefined) this.#members.delete(id);
    else this.#members.set(id, member);
    this.#say('update', { participants: [{ ...this.#info(id, member ?? { ...before, tracks: [] }), state }] });
    const known = new Set((before?.tracks ?? []).map((track) => trackSidOf(id, track)));
    this.#require((member?.tracks ?? []).filter((track) => !known.has(trackSidOf(id, track))));
  }

  /** Lets the client offer m-lines for new tracks. */
  #require(tracks) {
    const count = (media) => tracks.filter(({ kind }) => mediaOf(kind) === media).length;
    if (tracks.length === 0) return;
    this.#say('mediaSectionsRequirement', { numAudios: count('audio'), numVideos: count('video') });
  }

  #publish({ cid, name, source, type, width, height, encryption }) {
    const kind = KINDS.get(source) ?? (type === TrackType.VIDEO ? 'camera' : 'microphone');
    const track = { kind, index: [...this.#published.values()].filter((other) => other.kind === kind).length };
    this.#published.set(cid, track);
    this.#say('trackPublished', { cid, track: { ...this.#trackInfo(this.#id, track), name, width, height, encryption } });
  }

  #offer({ id, sdp }) {
    const sections = mediaSections(sdp);
    const sends = {};
    for (const { mid, cid } of sections) if (this.#published.has(cid)) sends[mid] = this.#published.get(cid);
    for (const [mid, { from, ...track }] of [...this.#slots]) {
      const isThere = this.#members.get(from)?.tracks.some((other) => trackSidOf(from, other) === trackSidOf(from, track));
      if (!isThere) this.#slots.delete(mid);
    }
    const taken = new Set([...this.#slots.values()].map(({ from, ...track }) => trackSidOf(from, track)));
    for (const [from, { tracks }] of this.#members) {
      for (const track of tracks.filter((track) => !taken.has(trackSidOf(from, track)))) {
        const free = sections.find(({ mid, media, direction }) =>
          media === mediaOf(track.kind) && direction === 'recvonly' && !this.#slots.has(mid));
        if (free !== undefined) this.#slots.set(free.mid, { from, ...track });
      }
    }
    this.#offers.push({ id, slots: new Map(this.#slots) });
    this.#server.send(JSON.stringify({ type: 'offer', sdp, sends, slots: Object.fromEntries(this.#slots) }));
  }

  #answer({ id, slots }, sdp) {
    const midToTrackId = {};
    const names = new Map(); // mid → the names of stream and track
    for (const [mid, { from, ...track }] of slots) {
      midToTrackId[mid] = trackSidOf(from, track);
      names.set(mid, `${sidOf(from)}|${from} ${trackSidOf(from, track)}`);
    }
    this.#say('answer', { type: 'answer', id, sdp: readied(sdp, names), midToTrackId });
  }

  #info(id, { name, tracks }) {
    return {
      sid: sidOf(id),
      identity: name,
      name,
      state: ParticipantInfo_State.ACTIVE,
      isPublisher: true,
      tracks: tracks.map((track) => this.#trackInfo(id, track)),
    };
  }

  #trackInfo(id, track) {
    const { kind } = track;
    const isVideo = mediaOf(kind) === 'video';
    return {
      sid: trackSidOf(id, track),
      type: isVideo ? TrackType.VIDEO : TrackType.AUDIO,
      source: SOURCES[kind],
      name: kind,
      mimeType: isVideo ? 'video/vp8' : 'audio/opus',
      encryption: Encryption_Type.GCM,
    };
  }
}

function readJoinRequest(text) {
  if (text === null) return undefined;
  const { compression, joinRequest } = WrappedJoinRequest.fromBinary(Buffer.from(text, 'base64'));
  const isPacked = compression === WrappedJoinRequest_Compression.GZIP;
  return JoinRequest.fromBinary(isPacked ? gunzipSync(joinRequest) : joinRequest);
}
