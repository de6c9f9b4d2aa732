// Judges of credentials by the vectors that the Rust judges are held against. `node --test` after
// `cargo wasm` has built `wasm/pkg`.

import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ListJudge, OidcJudge, SealframeError, callNonce, identityNonce, identityThumbprint, newIdentity } from '../pkg/credentials.js';

const vectors = JSON.parse(readFileSync(new URL('../../crates/testkit/vectors/credentials/credentials.json', import.meta.url), 'utf8'));
const fromHex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));

const SETUP = {
  issuer: 'issuer', audiences: 'audiences', user_claim: 'user', bindings: 'bindings', leeway: 'leeway', since_issued: 'sinceIssued',
  call_claim: 'callClaim', call_form: 'callForm', call_required: 'callRequired',
};

function judgeOf({ setup, keys }) {
  const options = { issuer: vectors.issuer, audiences: vectors.audiences, keys: vectors.key_sets[keys].json };
  for (const [name, value] of Object.entries(setup)) {
    if (name === 'any_age') options.maxAge = Infinity;
    else options[SETUP[name] ?? assert.fail(`the setup has ${name}`)] = value;
  }
  return new OidcJudge(options);
}

const presentedOf = ({ identity, group_id: group, credential, now }) =>
  ({ identity, group: fromHex(group), credential: Buffer.from(credential), now });

const verdictOf = (judge, presented) => judge.judge(presented).then(
  ({ user, expiresAt, namesCall }) => ({ accepted: { user, expires_at: expiresAt, names_call: namesCall } }),
  (error) => {
    assert.ok(error instanceof SealframeError, error.stack);
    return { refusal: error.code };
  },
);

const saidOf = ({ accepted, refusal }) => (accepted === undefined ? { refusal } : { accepted });
const named = (name) => vectors.oidc.find((each) => each.name === name);
/** Another identity, by one bit. */
const changed = (identity, place) => {
  const bytes = fromHex(identity);
  bytes[place] ^= 0x10;
  return Buffer.from(bytes).toString('hex');
};

test('all 133 tokens', async () => {
  for (const each of vectors.oidc) {
    assert.deepEqual(await verdictOf(judgeOf(each), presentedOf(each)), saidOf(each), each.name);
  }
  assert.equal(vectors.oidc.length, 133);
  assert.equal(vectors.oidc.filter(({ accepted }) => accepted !== undefined).length, 26);
});

test('what follows from an identity', async () => {
  for (const { identity, group_id: group, nonce, nonce_of_call: ofCall, thumbprint } of vectors.derived) {
    assert.equal(await identityNonce(identity), nonce);
    assert.equal(await callNonce(fromHex(group), identity), ofCall);
    assert.equal(await identityThumbprint(identity), thumbprint);
  }
  assert.equal(vectors.derived.length, 12);
});

test('a new identity is the public key of its seed', async () => {
  const seen = new Set();
  for (let count = 0; count < 9; count += 1) {
    const { identity, seed } = await newIdentity();
    assert.equal(seed.length, 32);
    const key = Buffer.concat([fromHex('302e020100300506032b657004220420'), seed]);
    const { x } = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
    assert.equal(Buffer.from(x, 'base64url').toString('hex'), identity);
    seen.add(identity);
  }
  assert.equal(seen.size, 9);
});

test('what is no key set is told by name', () => {
  for (const { json, problem } of vectors.no_key_sets) {
    assert.throws(() => new OidcJudge({ issuer: 'https://a', audiences: ['us'], keys: json }), { name: 'SealframeError', code: problem }, json);
  }
  assert.equal(vectors.no_key_sets.length, 13);
});

test('a credential copied from somebody else is refused', async () => {
  for (const each of vectors.oidc.filter(({ accepted }) => accepted !== undefined)) {
    const judge = judgeOf(each);
    for (let place = 0; place < 32; place += 1) {
      const copied = { ...presentedOf(each), identity: changed(each.identity, place) };
      assert.deepEqual(await verdictOf(judge, copied), { refusal: 'WrongIdentity' }, each.name);
    }
  }
  const list = new ListJudge(vectors.list.text);
  for (const each of vectors.list.cases.filter(({ accepted }) => accepted !== undefined)) {
    const copied = { identity: changed(each.identity, 7), group: new Uint8Array(0), credential: fromHex(each.credential) };
    const refusal = each.credential === '' ? 'NotListed' : 'ChangedIdentity';
    assert.deepEqual(await verdictOf(list, copied), { refusal }, each.name);
  }
});

test('every changed byte of a token is refused', async () => {
  let tried = 0;
  for (const name of ['RS256, as Google', 'ES256, as Keycloak, for this call', 'EdDSA with cnf.jwk', 'no kid, one key']) {
    const judge = judgeOf(named(name));
    const presented = presentedOf(named(name));
    const refused = async (credential, what) => {
      assert.ok('refusal' in await verdictOf(judge, { ...presented, credential }), `${name}, ${what}`);
      tried += 1;
    };
    const whole = presented.credential;
    assert.ok('accepted' in await verdictOf(judge, presented));
    for (let place = 0; place < whole.length; place += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const credential = Uint8Array.from(whole);
        credential[place] ^= flip;
        await refused(credential, `byte ${place} with ${flip}`);
      }
      await refused(whole.subarray(0, place), `cut to ${place}`);
    }
    for (const more of ['\0', ' ', '\n', '.', '=']) await refused(Buffer.concat([whole, Buffer.from(more)]), 'longer');
  }
  assert.ok(tried > 10_000, `${tried}`);
});

test("a provider's keys change at run time", async () => {
  const judge = judgeOf(named('RS256, as Google'));
  const presented = presentedOf(named('RS256, as Google'));
  const verdict = async () => (await verdictOf(judge, presented)).refusal;
  assert.equal(await verdict(), undefined);
  judge.replaceKeys(vectors.key_sets.one_key.json);
  assert.equal(await verdict(), 'UnknownKey');
  assert.throws(() => judge.replaceKeys('{}'), { code: 'NotAKeySet' });
  assert.equal(await verdict(), 'UnknownKey');
  judge.replaceKeys(vectors.key_sets.rotated.json);
  assert.equal(await verdict(), 'WrongAlgorithm');
  judge.replaceKeys(vectors.key_sets.key_set.json);
  assert.equal(await verdict(), undefined);
});

test('what is done to bytes while they are judged changes nothing', async () => {
  const presented = presentedOf(named('ES256, as Keycloak, for this call'));
  const verdict = judgeOf(named('ES256, as Keycloak, for this call')).judge(presented);
  presented.credential.fill(0);
  presented.group.fill(0);
  assert.equal((await verdict).namesCall, true);
});

test('the time is that of the machine unless given', async () => {
  const { now, ...presented } = presentedOf(named('EdDSA with cnf.jwk'));
  assert.ok(now > 0);
  const clock = Date.now;
  try {
    for (const [seconds, refusal] of [[now, undefined], [now + 10_000, 'Expired'], [now - 10_000, 'NotYetValid']]) {
      Date.now = () => seconds * 1000 + 999;
      assert.equal((await verdictOf(judgeOf(named('EdDSA with cnf.jwk')), presented)).refusal, refusal);
    }
  } finally {
    Date.now = clock;
  }
});

test('a WebCrypto that lacks an algorithm is told of', async () => {
  const { importKey } = crypto.subtle;
  crypto.subtle.importKey = async () => {
    throw new DOMException('unrecognised', 'NotSupportedError');
  };
  try {
    const each = named('EdDSA with cnf.jwk');
    assert.deepEqual(await verdictOf(judgeOf(each), presentedOf(each)), { refusal: 'NotSupported' });
  } finally {
    delete crypto.subtle.importKey;
  }
  assert.equal(crypto.subtle.importKey, importKey);
});

test('an issuer has no bar in it', () => {
  assert.throws(() => new OidcJudge({ issuer: 'https://a|b', audiences: ['us'], keys: vectors.key_sets.one_key.json }),
    { name: 'SealframeError', code: 'IssuerRefused' });
});

test('all 13 claims by a list', async () => {
  const judge = new ListJudge(vectors.list.text);
  for (const { name, identity, credential, named: user, ...said } of vectors.list.cases) {
    for (const now of [0, Number.MAX_SAFE_INTEGER]) {
      const presented = { identity, group: new Uint8Array(now === 0 ? 0 : 9), credential: fromHex(credential), now };
      assert.deepEqual(await verdictOf(judge, presented), saidOf(said), name);
      if (user !== undefined) await assert.rejects(judge.judge(presented), { code: 'ChangedIdentity', user }, name);
    }
  }
  assert.equal(vectors.list.cases.length, 13);
});

test('what is no list is told by its line', () => {
  const judge = new ListJudge(vectors.list.text);
  for (const { text, line, problem } of vectors.list.no_lists) {
    assert.throws(() => new ListJudge(text), { name: 'SealframeError', code: problem, line }, text);
    assert.throws(() => judge.replaceList(text), { code: problem }, text);
  }
  assert.equal(vectors.list.no_lists.length, 8);
});

test('a list changes at run time', async () => {
  const [identity, other] = ['01'.repeat(32), '02'.repeat(32)];
  const judge = new ListJudge(`${identity} alice`);
  const verdict = (of) => verdictOf(judge, { identity: of, group: new Uint8Array(0), credential: Buffer.from('alice') });
  assert.deepEqual(await verdict(other), { refusal: 'ChangedIdentity' });
  judge.replaceList(`${other} alice`);
  assert.deepEqual(await verdict(identity), { refusal: 'ChangedIdentity' });
  assert.equal((await verdict(other)).accepted.user, 'alice');
  judge.replaceList('');
  assert.deepEqual(await verdict(other), { refusal: 'NotListed' });
});
