// What this application decides about people, in one place. Every page decides for itself, and all run this file: neither the
// server nor a link has a say in it.

/** As whom somebody is let in who is called `user`, ourselves included: everybody is a moderator. */
export const admission = (user) => ({ user, moderator: true });

/** The same for people. */
export const MODERATORS = 'Moderators may lock the call and remove people. In this demo everybody who comes in is one: each '
  + 'page decides that by itself, not the server.';
