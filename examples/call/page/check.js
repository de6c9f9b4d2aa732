// The dialog in which two people make sure that nobody intercepts their keys.

export class CheckDialog {
  #root;
  #group;
  #name;
  /** The other person, `{session, user}`, and what the buttons do. */
  #with = null;

  /** `name` is ours; `user` maps a session to a member's name. */
  constructor(root, group, name) {
    this.#root = root;
    this.#group = group;
    this.#name = name;
    this.#part('.match').onclick = () => this.#match();
    this.#part('.differ').onclick = () => this.#differ();
    this.#part('.close').onclick = () => this.#root.close();
  }

  /** Starts an emoji check. */
  async start({ session, user }) {
    this.#open({ session, user, kind: 'emoji' }, `Compare emoji with ${user}`, `Asking ${user}…`);
    await this.#group.startSas(session).catch((error) => this.#end(`That did not work: ${error.message}`));
  }

  /** The other side started one. */
  begun({ session, user }) {
    this.#open({ session, user, kind: 'emoji' }, `${user} wants to compare emoji with you`, 'A moment…');
  }

  /** Both sides have emoji to compare. */
  compare({ session, emoji, numbers }, user) {
    if (this.#with?.session !== session) this.#open({ session, user, kind: 'emoji' }, `Compare emoji with ${user}`, '');
    this.#say('Read them to each other. Do you both see these seven, in this order?');
    this.#part('.emoji').replaceChildren(...emoji.map(({ symbol, name }) => {
      const item = document.createElement('li');
      item.append(labelled('span', symbol, 'symbol'), labelled('span', name, 'label'));
      return item;
    }));
    this.#part('.digits').textContent = `or as numbers: ${numbers.join(' ')}`;
    this.#show({ answers: true });
  }

  /** The check has ended. */
  ended({ session, type, code }, user) {
    if (this.#with?.session !== session) return;
    const words = {
      SasCancelled: `${user} cancelled the check.`,
      SasTimedOut: 'The check timed out.',
      SasMismatch: `You and ${user} do not have the same secret: somebody is intercepting your keys.`,
    };
    this.#end(type === 'sasVerified' ? `${user} is verified. This browser remembers it.`
      : (words[code] ?? `The check failed (${code}).`));
  }

  /** The other person has left the call. */
  left(session, user) {
    if (this.#root.open && this.#with?.session === session) this.#end(`${user} has left the call.`);
  }

  /** 45 digits that stay the same in every call. */
  async digits({ session, user }) {
    this.#open({ session, user, kind: 'digits' }, `You and ${user}, in digits`, 'A moment…');
    const code = await this.#group.pairwiseCode(session, this.#name);
    this.#say(`${user} sees the same digits, now and in every later call, while you both keep your keys.`);
    this.#part('.digits').textContent = code;
    this.#show({ answers: true });
  }

  async #match() {
    const { session, user, kind } = this.#with;
    if (kind === 'digits') {
      await this.#group.setVerified(session);
      return this.#end(`${user} is verified. This browser remembers it.`);
    }
    this.#say(`Waiting for ${user} to confirm…`);
    this.#show({});
    await this.#group.confirmSas(session);
  }

  #differ() {
    const { session, kind } = this.#with;
    if (kind === 'emoji') this.#group.cancelSas(session);
    this.#end('Then somebody may be intercepting your keys. Do not trust this call with secrets.');
  }

  #open(partner, title, words) {
    this.#with = partner;
    this.#part('h2').textContent = title;
    this.#part('.emoji').replaceChildren();
    this.#part('.digits').textContent = '';
    this.#say(words);
    this.#show({});
    // Not modal: nothing may cover the red banner.
    if (!this.#root.open) this.#root.show();
  }

  #end(words) {
    this.#say(words);
    this.#part('.emoji').replaceChildren();
    this.#part('.digits').textContent = '';
    this.#show({ over: true });
  }

  #say(words) {
    this.#part('.words').textContent = words;
  }

  #show({ answers = false, over = false }) {
    for (const button of ['.match', '.differ']) this.#part(button).hidden = !answers;
    this.#part('.close').hidden = !over;
  }

  #part(selector) {
    return this.#root.querySelector(selector);
  }
}

function labelled(tag, text, name) {
  return Object.assign(document.createElement(tag), { textContent: text, className: name });
}
