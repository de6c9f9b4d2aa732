//! Messages, hashes and codes of the group protocol: `vectors/group/`.

use serde::Deserialize;

use crate::{hex::Hex, keys::Number, rfc9605::read};

/// All of `group.json`.
#[derive(Deserialize, Debug)]
pub struct Group {
    /// One for each KEM and media suite.
    pub calls: Vec<CallVector>,
    /// Hashes of group ids.
    pub groups: Vec<GroupVector>,
    /// Rosters in several orders.
    pub rosters: Vec<RosterVector>,
    /// What members see of each other, in several orders.
    pub views: Vec<ViewVector>,
}

/// Members and the messages that they send.
#[derive(Deserialize, Debug)]
pub struct CallVector {
    /// 1 or 2.
    pub kem: u8,
    /// 4 or 5.
    pub media_suite: u16,
    /// What the application calls it.
    pub group_id: Hex,
    /// Of the group id.
    pub group_hash: Hex,
    /// Three.
    pub members: Vec<MemberVector>,
    /// Type 1.
    pub announces: Vec<AnnounceVector>,
    /// Type 2; those of one member in order.
    pub updates: Vec<UpdateVector>,
    /// Type 3.
    pub requests: Vec<RequestVector>,
    /// Type 4.
    pub acks: Vec<AckVector>,
    /// Type 5.
    pub heartbeats: Vec<HeartbeatVector>,
    /// Type 6.
    pub leaves: Vec<LeaveVector>,
    /// Type 7.
    pub controls: Vec<ControlVector>,
    /// Type 8.
    pub evidence: Vec<EvidenceVector>,
    /// Type 9: a whole emoji check.
    pub check: EmojiVector,
    /// Messages of every type that must not be taken.
    pub refused: Vec<RefusedMessage>,
}

/// A member with all its secrets.
#[derive(Deserialize, Debug)]
pub struct MemberVector {
    /// 16 bytes.
    pub session: Hex,
    /// Field of the KID.
    pub sender: u16,
    /// 0 participant, 1 recorder, 2 bot.
    pub role: u8,
    /// Ed25519 seed.
    pub identity_secret: Hex,
    /// Ed25519 public key.
    pub identity: Hex,
    /// What `DeriveKeyPair` makes the KEM key of.
    pub kem_ikm: Hex,
    /// The KEM's secret key; X-Wing's seed.
    pub kem_secret: Hex,
    /// The KEM's public key.
    pub kem_key: Hex,
    /// Two, the older first.
    pub nonces: Vec<NonceVector>,
    /// What the application judges.
    pub credential: Hex,
    /// What the application calls the person.
    pub user_id: Hex,
}

/// A freshness nonce.
#[derive(Deserialize, Debug)]
pub struct NonceVector {
    /// `nonce_number`.
    pub number: u8,
    /// 24 bytes.
    pub nonce: Hex,
}

/// A message as it is on the wire, and what was signed.
#[derive(Deserialize, Debug)]
pub struct SignedVector {
    /// Place of the sender in `members`.
    pub from: usize,
    /// Domain, name, head and body.
    pub to_sign: Hex,
    /// Ed25519.
    pub signature: Hex,
    /// All of it.
    pub message: Hex,
}

/// Type 1.
#[derive(Deserialize, Debug)]
pub struct AnnounceVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub media_suite: u16,
    /// Field.
    pub sender: u16,
    /// Field.
    pub role: u8,
    /// Field.
    pub identity: Hex,
    /// Field.
    pub kem_key: Hex,
    /// Field.
    pub nonce_number: u8,
    /// Field.
    pub nonce: Hex,
    /// Field.
    pub credential: Hex,
    /// Of the whole message.
    pub announce_hash: Hex,
}

/// Type 2.
#[derive(Deserialize, Debug)]
pub struct UpdateVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub reason: u8,
    /// Field.
    pub seq: Number,
    /// Field.
    pub generation: Number,
    /// Field.
    pub step: u32,
    /// Field.
    pub apply_ms: u32,
    /// Field.
    pub roster_hash: Hex,
    /// Field.
    pub prev_hash: Hex,
    /// Field.
    pub key_commit: Hex,
    /// Field.
    pub count: u16,
    /// Of the generation and step.
    pub base_key: Hex,
    /// Of the generation and step 0.
    pub generation_key: Hex,
    /// 174 bytes: every entry's aad.
    pub header: Hex,
    /// Of the header.
    pub header_hash: Hex,
    /// `count`, in their order.
    pub entries: Vec<EntryVector>,
    /// The same message as a server may cut it.
    pub cut: Vec<Hex>,
}

/// One entry of an update.
#[derive(Deserialize, Debug)]
pub struct EntryVector {
    /// Place of the recipient in `members`.
    pub to: usize,
    /// Field.
    pub nonce_number: u8,
    /// What the number stands for.
    pub nonce: Hex,
    /// `ikmE` of RFC 9180's vectors; X-Wing's `eseed`.
    pub randomness: Hex,
    /// HPKE's `info`.
    pub info: Hex,
    /// HPKE's `enc`.
    pub enc: Hex,
    /// HPKE's ciphertext.
    pub ct: Hex,
}

/// Type 3.
#[derive(Deserialize, Debug)]
pub struct RequestVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub target: Hex,
    /// Field.
    pub seq: Number,
    /// Field.
    pub nonce_number: u8,
    /// Field.
    pub nonce: Hex,
}

/// Type 4.
#[derive(Deserialize, Debug)]
pub struct AckVector {
    /// Place of the sender in `members`.
    pub from: usize,
    /// Place of what is acknowledged in `updates`.
    pub update: usize,
    /// Field.
    pub target: Hex,
    /// Field.
    pub seq: Number,
    /// Field.
    pub mac: Hex,
    /// All of it.
    pub message: Hex,
}

/// Type 5.
#[derive(Deserialize, Debug)]
pub struct HeartbeatVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub seq: Number,
    /// Field.
    pub newest: Number,
    /// Field.
    pub update_hash: Hex,
    /// Field.
    pub generation: Number,
    /// Field.
    pub step: u32,
    /// Field.
    pub frames: Number,
    /// Field: the hash of all `members` with their first announces.
    pub roster_hash: Hex,
    /// Field: the hash of `view`.
    pub view_hash: Hex,
    /// Field.
    pub control: Number,
    /// Field.
    pub locked: u8,
    /// Field.
    pub nonce_number: u8,
    /// Field.
    pub nonce: Hex,
    /// What the sender has seen of each member.
    pub view: Vec<SeenVector>,
}

/// Type 6.
#[derive(Deserialize, Debug)]
pub struct LeaveVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
}

/// Type 7.
#[derive(Deserialize, Debug)]
pub struct ControlVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub counter: Number,
    /// Field.
    pub action: u8,
    /// Field.
    pub target: Hex,
}

/// Type 8.
#[derive(Deserialize, Debug)]
pub struct EvidenceVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Headers with their signatures.
    pub updates: Vec<Hex>,
}

/// Type 9.
#[derive(Deserialize, Debug)]
pub struct CheckVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub target: Hex,
    /// Field.
    pub check: Hex,
    /// Field.
    pub stage: u8,
    /// Field.
    pub data: Hex,
}

/// An emoji check.
#[derive(Deserialize, Debug)]
pub struct EmojiVector {
    /// Who starts it.
    pub a: CheckKey,
    /// Who answers.
    pub b: CheckKey,
    /// 16 bytes.
    pub check: Hex,
    /// X25519 of both keys.
    pub secret: Hex,
    /// 6 bytes.
    pub sas: Hex,
    /// Seven places in the table.
    pub emoji: Vec<u8>,
    /// Start, reply, reveal and two confirmations, B's first.
    pub messages: Vec<CheckVector>,
    /// The end of another check.
    pub cancel: CheckVector,
    /// Well signed; not to be taken in place of the one of the same stage and sender.
    pub refused: Vec<RefusedCheck>,
}

/// One side's key of an emoji check.
#[derive(Deserialize, Debug)]
pub struct CheckKey {
    /// Place in `members`.
    pub member: usize,
    /// X25519.
    pub secret: Hex,
    /// X25519.
    pub public: Hex,
}

/// A message that ends an emoji check.
#[derive(Deserialize, Debug)]
pub struct RefusedCheck {
    /// What is wrong with it.
    pub name: String,
    /// All of it.
    pub message: Hex,
}

/// A message that must change nothing.
#[derive(Deserialize, Debug)]
pub struct RefusedMessage {
    /// What is wrong with it.
    pub name: String,
    /// What refuses it: its form, or what it is held against.
    pub kind: Refusal,
    /// Place in `members` of the one that it claims to be from.
    pub from: usize,
    /// Place in `members` of the one that must refuse it.
    pub to: usize,
    /// Place in `updates` of what acks are held against.
    pub update: usize,
    /// All of it.
    pub message: Hex,
}

/// What refuses a message, in the order in which it is looked at.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    /// Its length, the length of a part, or a field out of range.
    Malformed,
    /// Version, type, KEM or group.
    Head,
    /// Signature or identity.
    Signature,
    /// An announce for another media suite.
    Suite,
    /// An ack's mac.
    Mac,
    /// No entry that opens.
    Entry,
    /// The entry opens, to another key than `key_commit` says.
    Commitment,
}

/// A group id's hash.
#[derive(Deserialize, Debug)]
pub struct GroupVector {
    /// What the application calls it.
    pub group_id: Hex,
    /// Its hash.
    pub group_hash: Hex,
}

/// A roster, in an order of no meaning.
#[derive(Deserialize, Debug)]
pub struct RosterVector {
    /// Of the call.
    pub group_hash: Hex,
    /// 32 bytes.
    pub roster_hash: Hex,
    /// 30 digits.
    pub call_code: String,
    /// One to eight.
    pub members: Vec<RosterMember>,
}

/// A line of a roster.
#[derive(Deserialize, Debug)]
pub struct RosterMember {
    /// 16 bytes.
    pub session: Hex,
    /// 32 bytes.
    pub identity: Hex,
    /// 32 bytes.
    pub announce_hash: Hex,
}

/// A view, in an order of no meaning.
#[derive(Deserialize, Debug)]
pub struct ViewVector {
    /// 32 bytes.
    pub view_hash: Hex,
    /// One to eight.
    pub members: Vec<SeenVector>,
}

/// A line of a view.
#[derive(Deserialize, Debug)]
pub struct SeenVector {
    /// 16 bytes.
    pub session: Hex,
    /// Its newest generation; 0 if none.
    pub newest: Number,
    /// The hash of the update that began it; zeros if none.
    pub update_hash: Hex,
}

/// Everything there is.
#[must_use]
pub fn all() -> Group {
    read(include_str!("../vectors/group/group.json"))
}
