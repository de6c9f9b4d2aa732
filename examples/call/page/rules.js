// This application's decisions about people, in one place. Every page decides for itself, and all
// run this file: neither the server nor a link has a say.

/** The admission of a person named `user`, ourselves included: everybody is a moderator. */
export const admission = (user) => ({ user, moderator: true });

/** The same, for people. */
export const MODERATORS = 'Moderators may lock the call and remove people. In this demo everybody is one: each '
  + 'page decides that itself, not the server.';
