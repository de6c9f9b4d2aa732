// Attackers of a server, and neighbours that must not notice them.

import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

import { Path, bindingRequest, credentials, sdp } from './media.mjs';
import { Socket, frame, tcp } from './socket.mjs';

/** Two members in a room of their own; one of them has negotiated media. */
export class Neighbours {
  #number = 0;

  static async enter(url, room = 'neighbours') {
    const neighbours = new Neighbours();
    neighbours.alice = await Socket.enter(url, room, 'Alice');
    neighbours.bob = await Socket.enter(url, room, 'Bob');
    neighbours.path = await Path.open(neighbours.bob);
    return neighbours;
  }

  /** Exchanges messages and asks the media socket; resolves to the milliseconds that both took. */
  async round() {
    const start = performance.now();
    const data = `${this.#number += 1}`;
    this.alice.send({ type: 'message', to: this.bob.id, data });
    const aliceIsOut = this.alice.closed.then(({ reason }) => {
      throw new Error(`Alice was disconnected: ${reason}`);
    });
    await Promise.race([this.bob.hears((message) => message.type === 'message' && message.data === data), aliceIsOut]);
    const message = performance.now() - start;
    return { message, media: await this.path.ask() };
  }

  /** Rounds, at most 40 a second, until `isOver` returns true. */
  async rounds(isOver) {
    const rounds = [];
    while (!isOver(rounds.length)) rounds.push((await Promise.all([this.round(), sleep(25)]))[0]);
    return rounds;
  }

  get areThere() {
    return this.alice.isOpen && this.bob.isOpen;
  }

  leave() {
    this.path.close();
    for (const socket of [this.alice, this.bob]) socket.close();
  }
}

/** Repeats `work` in `count` places at a time, until stopped. */
function keepDoing(count, work) {
  let isOn = true;
  const workers = Array.from({ length: count }, async (_, place) => {
    while (isOn) {
      await work(place).catch(() => {});
      await sleep(1);
    }
  });
  return async () => {
    isOn = false;
    await Promise.all(workers);
  };
}

/** Sockets in rooms of their own that write the results of `bytes` as fast as possible; closed
 * ones are replaced. */
function floodSockets(url, count, bytes) {
  const sockets = [];
  const stop = keepDoing(count, async (place) => {
    if (!sockets[place]?.isOpen) sockets[place] = await Socket.enter(url, `hostile-${place}`);
    // Waits no longer for a socket that the server does not read.
    await Promise.race([sockets[place].write(bytes(place)), sockets[place].closed, sleep(200)]);
  });
  return async () => {
    await stop();
    for (const socket of sockets) socket?.close();
  };
}

const LARGE = { media: 32, padding: 60 };

/** Attacks on servers: each takes a server's URL and returns a function that ends it. */
export const ATTACKS = {
  'eight sockets, large offers': (url) => {
    const offers = Array.from({ length: 8 }, () => frame('text', JSON.stringify({ type: 'offer', sdp: sdp(credentials(), LARGE) })));
    return floodSockets(url, 8, (place) => offers[place]);
  },
  'eight sockets, messages of 60 kB': (url) => {
    const message = frame('text', JSON.stringify({ type: 'message', to: null, data: 'A'.repeat(60_000) }));
    return floodSockets(url, 8, () => message);
  },
  'eight sockets, pings': (url) => {
    const pings = Buffer.concat(Array.from({ length: 2000 }, () => frame('ping', 'x')));
    return floodSockets(url, 8, () => pings);
  },
  'eight sockets, fragments without bytes': (url) => {
    const fragments = Buffer.concat(Array.from({ length: 2000 }, () => frame('continuation', '', { isLast: false })));
    const begun = new Set();
    return floodSockets(url, 8, (place) => {
      if (begun.has(place)) return fragments;
      begun.add(place);
      return frame('text', '', { isLast: false });
    });
  },
  'sixteen that do not read, sixteen that talk': async (url) => {
    const silent = await Promise.all(Array.from({ length: 2 }, (_, room) =>
      Promise.all(Array.from({ length: 8 }, () => Socket.enter(url, `slow-${room}`)))));
    for (const socket of silent.flat()) socket.pause();
    const talkers = await Promise.all(Array.from({ length: 16 }, (_, place) => Socket.enter(url, `slow-${place % 2}`)));
    const message = frame('text', JSON.stringify({ type: 'message', to: null, data: 'A'.repeat(60_000) }));
    const stop = keepDoing(talkers.length, (place) => Promise.race([talkers[place].write(message), sleep(200)]));
    return async () => {
      await stop();
      for (const socket of [...silent.flat(), ...talkers]) socket.close();
    };
  },
  '1,000 connections that never speak': (url) => {
    const connections = new Set();
    const stop = keepDoing(20, async () => {
      if (connections.size >= 1000) return;
      const connection = await tcp(url);
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
    });
    return async () => {
      await stop();
      for (const connection of connections) connection.destroy();
    };
  },
  '200 connections, a byte of a header at a time': (url) => {
    const connections = new Set();
    const stop = keepDoing(200, async () => {
      const connection = await tcp(url);
      connections.add(connection);
      connection.write('GET / HTTP/1.1\r\n');
      const timer = setInterval(() => connection.write('x'), 100);
      await connection.gone;
      clearInterval(timer);
      connections.delete(connection);
    });
    return async () => {
      for (const connection of connections) connection.destroy();
      await stop();
    };
  },
  '100 connections that ask for files and do not read': (url) => {
    const connections = new Set();
    const stop = keepDoing(100, async () => {
      const connection = await tcp(url);
      connections.add(connection);
      connection.pause();
      connection.write('GET /call.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
      await connection.gone;
      connections.delete(connection);
    });
    return async () => {
      for (const connection of connections) connection.destroy();
      await stop();
    };
  },
  'reports, as fast as possible': (url) =>
    keepDoing(40, () => fetch(`${url}tap?room=hostile`).then((response) => response.arrayBuffer())),
  'datagrams: noise, and STUN for nobody': async (url) => {
    const socket = await Socket.enter(url, 'hostile-datagrams');
    const { server, path } = await Path.open(socket).then((path) => ({ server: path.server, path }));
    const udp = dgram.createSocket('udp4');
    const nobody = bindingRequest({ ufrag: 'nobody', pwd: 'x'.repeat(24) }, 'none');
    const send = (bytes) => new Promise((resolve) => udp.send(bytes, server.port, server.address, resolve));
    const stop = keepDoing(1, () => Promise.all(Array.from({ length: 200 }, (_, place) =>
      send(place % 2 ? nobody : randomBytes(1 + Math.floor(Math.random() * 1200))))));
    return async () => {
      await stop();
      udp.close();
      path.close();
      socket.close();
    };
  },
  'joining and leaving, over and over': (url) =>
    keepDoing(8, async (place) => (await Socket.enter(url, `hostile-${place}`)).close()),
};
