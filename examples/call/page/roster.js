// The list of members, by their signatures, and what is known of them.

import { MODERATORS, admission } from './rules.js';

const STANDING = {
  verified: 'Verified',
  known: 'Known',
  new: 'First time',
  changed: 'Changed key',
  changedVerified: 'Changed key',
};
/** Errors of frames from before the key that we received, or of repeated frames: every key
 * change causes some. */
const HARMLESS = ['Replayed', 'TooOld', 'StepErased'];
const ROLE = { recorder: 'Recorder', bot: 'Bot' };
const POWER = { true: 'Moderator', false: '' };
/** A member without authentic messages for this long is shown as not heard. */
const SILENT_MS = 30_000;

export const isHarmless = (code) => HARMLESS.includes(code);

export class Roster {
  #root;
  #acts;

  /** `acts`: `{check, digits, remove}`, each called with a member of the state. */
  constructor(root, acts) {
    this.#root = root;
    this.#acts = acts;
    this.#part('.moderators').textContent = MODERATORS;
  }

  /** Shows the call's state; `name` is ours. */
  show(state, name) {
    const code = this.#part('.code');
    if (code.textContent !== state.callCode) code.textContent = state.callCode;
    this.#part('.lock-state').textContent = state.locked
      ? 'Locked: nobody new can join.' : 'Open: anyone who knows the room’s name can join.';
    const lock = this.#part('.lock');
    lock.textContent = state.locked ? 'Unlock' : 'Lock';
    lock.dataset.locked = state.locked;
    const rows = new Map([...this.#part('tbody').children].map((row) => [row.dataset.session, row]));
    const shown = [this.#own(rows, state, name), ...state.members.map((member) => this.#member(rows, member))];
    for (const row of rows.values()) if (!shown.includes(row)) row.remove();
  }

  #own(rows, { session, generation, step, framesSealed, nextKeyWithin }, name) {
    const row = this.#row(rows, session);
    fill(row, {
      who: `${name} (you)`,
      power: POWER[admission(name).moderator],
      key: `${generation}.${step}${nextKeyWithin === null ? '' : ' → next'}`,
      frames: `${framesSealed} sealed`,
    });
    return row;
  }

  #member(rows, member) {
    const row = this.#row(rows, member.session, member);
    row.dataset.member = member.address;
    row.dataset.verification = member.verification;
    const failed = Object.entries(member.failed);
    const late = failed.reduce((sum, [code, count]) => sum + (isHarmless(code) ? count : 0), 0);
    fill(row, {
      who: member.user,
      verification: STANDING[member.verification],
      role: ROLE[member.role] ?? '',
      power: POWER[member.moderator],
      key: key(member),
      frames: `${member.opened} opened`,
      late: late > 0 ? `${late} too late` : '',
      failed: failed.filter(([code]) => !isHarmless(code)).map(([code, count]) => `${count} ${code}`).join(', '),
      note: note(member),
    });
    return row;
  }

  #row(rows, session, member) {
    const before = rows.get(session);
    if (before !== undefined) return before;
    const row = document.getElementById('person').content.cloneNode(true).firstElementChild;
    row.dataset.session = session;
    if (member === undefined) row.querySelector('.acts').replaceChildren();
    for (const button of row.querySelectorAll('button')) {
      button.onclick = () => this.#acts[button.dataset.act](member);
    }
    this.#part('tbody').append(row);
    return row;
  }

  #part(selector) {
    return this.#root.querySelector(selector);
  }
}

/** Generation and ratchet step of the key in use, or of the first one that will be. */
function key({ uses, generation, step, keySince }) {
  if (uses !== null) return `${uses.generation}.${uses.step} for ${seconds(uses.since)}`;
  return generation === null ? 'not yet' : `${generation}.${step} for ${seconds(keySince)}, unused`;
}

function note({ hasOurKey, isLive, silentFor, rosterDiffers, equivocated, sends }) {
  if (equivocated) return 'has signed contradictory messages';
  if (rosterDiffers) return 'sees other people than you do';
  if (silentFor > SILENT_MS) return `not heard for ${seconds(silentFor)}`;
  if (!isLive) return 'has not answered yet';
  if (!sends) return 'sends nothing';
  return hasOurKey ? '' : 'does not have your key yet';
}

function seconds(ms) {
  const all = Math.round(ms / 1000);
  return all < 120 ? `${all} s` : `${Math.round(all / 60)} min`;
}

function fill(row, texts) {
  for (const [name, text] of Object.entries(texts)) {
    const cell = row.querySelector(`.${name}`);
    if (cell.textContent !== text) cell.textContent = text;
  }
}
