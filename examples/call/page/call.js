// One participant's page: joins a room and shows the participants and what is known of them.

import { MadePanel, SeenPanel } from './bytes.js';
import { Connection } from './connection.js';
import { openDevices } from './devices.js';
import { Keeper } from './keeper.js';
import { Member } from './members.js';
import { isName } from './names.js';
import { People } from './people.js';
import { hasJoined, invitation, noteJoined, readPlace, tokenOf, writePlace } from './place.js';
import { admission } from './rules.js';
import { Server } from './server.js';

// The streams that a tile shows. Other pages may send more.
const SHOWN = ['microphone', 'camera'];

/** After a server restart: how long a member may take to reconnect. */
const RETURN_MS = 15_000;

const element = (id) => document.getElementById(id);

try {
  const place = readPlace();
  await join(hasJoined(place) ? place : await ask(place));
} catch (error) {
  stop(error.message);
}

/**
 * Asks for room and name and returns them. A link may fill in both but cannot join: until a click
 * there is no camera, no microphone, no connection to the room and no key. A page that has joined
 * and is loaded again joins without asking.
 */
async function ask(place) {
  const lobby = element('lobby');
  const { room, name, join } = lobby.elements;
  room.value = place.room ?? 'demo';
  name.value = place.name ?? '';
  const check = () => name.setCustomValidity(isName(name.value) || name.value === '' ? '' : 'This name has invisible characters.');
  name.oninput = check;
  check();
  lobby.hidden = false;
  (name.value === '' ? name : join).focus();
  await new Promise((resolve) => {
    lobby.onsubmit = (event) => {
      event.preventDefault();
      resolve();
    };
  });
  lobby.hidden = true;
  return { ...place, room: room.value, name: name.value };
}

async function join(place) {
  const { SealedCall } = await loadPackage();
  writePlace(place);
  noteJoined(place);
  showPlace(place);
  const { stream, message } = await openDevices();
  notice(message);

  const server = new Server({ ...place, token: tokenOf(place.room) });
  server.onclose = (why) => {
    participant?.close();
    stop(why);
  };
  server.onlost = () => notice('The connection to the server is lost. Trying again…');
  server.onerror = (error) => {
    reportError(error);
    server.close();
    participant?.close();
    stop(`The call stopped: ${error.message}. Reload to join again.`);
  };
  let participant;
  server.onmessage = async (received) => {
    if (received.type === 'welcome' && participant === undefined) {
      participant = new Participant(place, server, stream);
      await participant.enter(SealedCall, received, message);
    } else {
      await participant.receive(received);
    }
  };
}

/** This page's part in the call. */
class Participant {
  #place;
  #server;
  #stream;
  #call;
  #people;
  #connection;
  /** Our address: the server's name for us. */
  #id;
  /** The notice to show while the connection is good. */
  #notice;
  /** By address: members from before a break that have not reconnected yet. */
  #missing = new Map();
  #isClosed = false;
  #members = new Map();
  #timer;
  #made = new MadePanel(element('made'));
  #seen = new SeenPanel(element('seen'));

  constructor(place, server, stream) {
    this.#place = place;
    this.#server = server;
    this.#stream = stream;
  }

  async enter(SealedCall, { id, members }, message) {
    this.#id = id;
    this.#notice = message;
    const { room, name, framing, kem } = this.#place;
    const keeper = new Keeper(name);
    const demo = { id, observe: undefined };
    this.#call = await SealedCall.join({
      group: new TextEncoder().encode(`sealframe example call in room ${room}`),
      address: id,
      // Names are verified by the people themselves and nothing else.
      credential: new TextEncoder().encode(name),
      identity: keeper.identity,
      trust: keeper.trust,
      moderator: admission(name).moderator,
      sends: this.#stream !== undefined,
      kem,
      framing,
      observe: (frame) => {
        if (frame.direction === 'sealed') this.#made.frame(frame.kind, frame.clear);
        demo.observe?.(frame);
      },
    });
    this.#people = new People({ call: this.#call, server: this.#server, keeper, name, tiles: this.#members });
    this.#call.onerror = (error) => {
      this.#people.broken(error);
      this.#server.onerror(error);
    };
    this.#call.onstate = (report) => {
      this.#members.get(report.from)?.frames(report);
      this.#people.stream(report);
    };
    this.#people.onnotice = (message) => {
      this.#notice = message;
      notice(message);
    };
    this.#people.onended = (message) => {
      // The call is closed: later messages are no news to a person who has been told why.
      this.#server.onerror = () => {};
      this.close();
      stop(message);
    };

    this.#connection = new Connection(this.#call, this.#server, this.#place.codec);
    this.#connection.onlost = () => this.#server.reconnect();
    const own = new Member(id, name, element('stage'));
    own.playOwn(this.#stream)?.catch(reportError);
    if (this.#stream !== undefined) this.#connection.send(this.#stream);
    for (const member of members) this.#add(member);

    // For the console and the browser tests.
    globalThis.sealframeDemo = Object.assign(demo, {
      call: this.#call,
      group: this.#call.group,
      pc: this.#connection.pc,
      stats: () => this.#stats(),
      hangUp: () => this.#server.close(),
    });
    addEventListener('pagehide', () => this.close());
    this.#watch();
    this.#offerMute();
  }

  /** The server is reachable again, or another one in its place. */
  async #again({ members }) {
    notice(this.#notice);
    for (const timer of this.#missing.values()) clearTimeout(timer);
    // A member that is missing may be reconnecting, as we were.
    const here = members.map(({ id }) => id);
    const missing = [...this.#members.keys()].filter((id) => id !== this.#id && !here.includes(id));
    this.#missing = new Map(missing.map((id) => [id, setTimeout(() => this.#left(id).catch(reportError), RETURN_MS)]));
    this.#connection.restart();
    for (const member of members) this.#add(member);
    await this.#call.group.reconnected();
  }

  async receive(message) {
    if (this.#isClosed) return undefined;
    switch (message.type) {
      case 'welcome': return this.#again(message);
      case 'joined': return this.#add(message);
      case 'tracks': return this.#subscribe(message.from, message.tracks);
      case 'left': return this.#left(message.id);
      case 'message': return this.#people.receive(message);
    }
  }

  async #left(id) {
    this.#members.get(id)?.remove();
    this.#members.delete(id);
    this.#connection.remove(id);
    await this.#call.group.dropMember(id);
  }

  #add({ id, name, tracks }) {
    clearTimeout(this.#missing.get(id));
    this.#missing.delete(id);
    if (!this.#members.has(id)) this.#members.set(id, new Member(id, name, element('stage')));
    this.#subscribe(id, tracks);
  }

  #subscribe(id, tracks) {
    const shown = tracks.filter(({ kind, index }) => SHOWN.includes(kind) && index === 0);
    const stream = this.#connection.receive(id, shown);
    this.#members.get(id)?.play(stream).catch((error) => {
      // Browsers keep a page silent until the first click or key press.
      if (error.name !== 'NotAllowedError') return;
      notice('Click anywhere to hear the others.');
      addEventListener('click', () => this.#unmute(), { once: true });
    });
  }

  #unmute() {
    notice(undefined);
    for (const video of element('stage').querySelectorAll('video')) video.play().catch(reportError);
  }

  async #stats() {
    const inbound = await this.#connection.inbound();
    const members = [...this.#members].map(([id, { name, state }]) => [id, { name, state, ...inbound[id] }]);
    return { id: this.#id, name: this.#place.name, members: Object.fromEntries(members) };
  }

  // Nobody reads hexadecimal faster than twice a second.
  #watch() {
    const name = (id) => this.#members.get(id)?.name ?? id;
    this.#timer = setInterval(async () => {
      this.#made.show();
      // The call does not need it.
      const response = await fetch(`/tap?${new URLSearchParams({ room: this.#place.room })}`).catch(() => undefined);
      if (response?.ok) this.#seen.show(await response.json(), this.#id, name);
    }, 500);
  }

  /** Takes our camera and microphone out of the call, and back in. */
  #offerMute() {
    const button = element('mute');
    button.hidden = this.#stream === undefined;
    button.onclick = async () => {
      const sends = button.dataset.muted === 'yes';
      button.dataset.muted = sends ? 'no' : 'yes';
      button.textContent = sends ? 'Stop camera and microphone' : 'Start camera and microphone';
      for (const track of this.#stream.getTracks()) track.enabled = sends;
      // Before the first frames, so that they open at once; after the last.
      if (sends) await this.#call.group.setSending(true);
      await this.#connection.mute(!sends);
      if (!sends) await this.#call.group.setSending(false);
    };
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#missing.values()) clearTimeout(timer);
    clearInterval(this.#timer);
    if (this.#call === undefined) return this.#server.close();
    this.#people.close();
    this.#connection.close();
    this.#call.group.leave();
    this.#server.close();
  }
}

async function loadPackage() {
  if (!globalThis.RTCRtpScriptTransform && !globalThis.RTCRtpSender?.prototype.createEncodedStreams) {
    throw new Error('This browser cannot transform encoded frames, so it cannot encrypt a call end to end.');
  }
  try {
    return await import('/sealframe/index.js');
  } catch (error) {
    throw new Error(`The browser package could not be loaded (${error.message}). Has it been built?`);
  }
}

function showPlace(place) {
  element('room').textContent = `Room ${place.room}`;
  element('link').value = invitation(place);
  element('copy').onclick = async ({ target }) => {
    await navigator.clipboard.writeText(invitation(place));
    target.textContent = 'Copied';
    setTimeout(() => { target.textContent = 'Copy link'; }, 2000);
  };
  element('share').hidden = false;
  element('call').hidden = false;
}

function notice(message) {
  element('notice').textContent = message ?? '';
  element('notice').hidden = message === undefined;
}

/** A final notice: the page does nothing more. */
function stop(message) {
  notice(message);
  element('notice').dataset.fatal = 'yes';
}
