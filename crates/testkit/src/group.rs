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
    pub roster_hashes: Vec<RosterHashVector>,
    /// Members' views of each other, in several orders.
    pub view_hashes: Vec<ViewHashVector>,
    /// Orders of moderators, in several orders.
    pub orders_hashes: Vec<OrdersHashVector>,
}

/// Members and the messages that they send.
#[derive(Deserialize, Debug)]
pub struct CallVector {
    /// 1 or 2.
    pub kem: u8,
    /// 4 or 5.
    pub media_suite: u16,
    /// The application's name for the call.
    pub group_id: Hex,
    /// Hash of the group id.
    pub group_hash: Hex,
    /// Three members.
    pub members: Vec<MemberVector>,
    /// Type 1: the members' own, then other sessions of theirs.
    pub announces: Vec<AnnounceVector>,
    /// Headers of generations that were begun and sent to nobody.
    pub begun: Vec<HeaderVector>,
    /// Types 2 and 12; those of one member are in order.
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
    pub orders: Vec<OrderVector>,
    /// Type 8.
    pub rosters: Vec<RosterVector>,
    /// Type 9.
    pub forwards: Vec<ForwardVector>,
    /// Type 10.
    pub refusals: Vec<RefusalVector>,
    /// Type 11: a whole emoji check.
    pub check: EmojiVector,
    /// Several messages in one.
    pub bundles: Vec<BundleVector>,
    /// Messages of every type that must be rejected.
    pub refused: Vec<RefusedMessage>,
    /// Bundles that must be rejected as a whole.
    pub refused_bundles: Vec<RefusedBundle>,
}

/// A member with all its secrets.
#[derive(Deserialize, Debug)]
pub struct MemberVector {
    /// Milliseconds since 1970.
    pub joined_at: Number,
    /// 0 participant, 1 recorder, 2 bot.
    pub role: u8,
    /// Ed25519 seed.
    pub identity_secret: Hex,
    /// Ed25519 public key.
    pub identity: Hex,
    /// The address for its messages.
    pub address: Hex,
    /// The credential for the application.
    pub credential: Hex,
    /// The application's name for the person.
    pub user_id: Hex,
    /// Hash of the announce at the same index in `announces`.
    pub announce_hash: Hex,
    /// Its first 16 bytes.
    pub session: Hex,
    /// Its first two bytes: the field of the KID.
    pub number: u16,
    /// Some of its prekeys, by number.
    pub prekeys: Vec<PrekeyVector>,
}

/// A KEM key pair of a session.
#[derive(Deserialize, Debug)]
pub struct PrekeyVector {
    /// `prekey_number`.
    pub number: u16,
    /// Input of `DeriveKeyPair`.
    pub ikm: Hex,
    /// The KEM's secret key; X-Wing's seed.
    pub secret: Hex,
    /// The KEM's public key.
    pub public: Hex,
}

/// A message in wire format, and the bytes that were signed.
#[derive(Deserialize, Debug)]
pub struct SignedVector {
    /// Index of the sender in `members`.
    pub from: usize,
    /// Domain, name, group_hash, head and body; for an update also its commitment.
    pub to_sign: Hex,
    /// Ed25519.
    pub signature: Hex,
    /// The whole message.
    pub message: Hex,
}

/// Type 1.
#[derive(Deserialize, Debug)]
pub struct AnnounceVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub joined_at: Number,
    /// Field.
    pub media_suite: u16,
    /// Field.
    pub kem: u8,
    /// Field.
    pub role: u8,
    /// Field.
    pub identity: Hex,
    /// Field.
    pub prekey: Hex,
    /// Field.
    pub versions: Hex,
    /// Field.
    pub address: Hex,
    /// Field.
    pub credential: Hex,
    /// Field.
    pub extensions: Vec<ExtensionVector>,
    /// Hash of the body.
    pub announce_hash: Hex,
    /// Its first 16 bytes.
    pub session: Hex,
}

/// One extension of an announce.
#[derive(Deserialize, Debug)]
pub struct ExtensionVector {
    /// Field.
    pub id: u16,
    /// Field.
    pub data: Hex,
}

/// A key that a member begins or delivers, whether it was sent or not.
#[derive(Deserialize, Debug)]
pub struct HeaderVector {
    /// Index of the sender in `members`.
    pub from: usize,
    /// Field.
    pub flags: u8,
    /// Field.
    pub generation: u32,
    /// Field.
    pub step: u8,
    /// Field.
    pub prev_hash: Hex,
    /// Signed, but sent in update headers only.
    pub key_commit: Hex,
    /// Of the generation and step.
    pub base_key: Hex,
    /// Of the generation and step 0.
    pub generation_key: Hex,
    /// Head, body and commitment.
    pub header: Hex,
    /// Hash of the header.
    pub header_hash: Hex,
    /// Domain, name, group_hash and header.
    pub to_sign: Hex,
    /// Ed25519.
    pub signature: Hex,
    /// Type 12.
    pub update_header: Hex,
}

/// Type 2.
#[derive(Deserialize, Debug)]
pub struct UpdateVector {
    /// The fields shared with its update header.
    #[serde(flatten)]
    pub header: HeaderVector,
    /// Index of the recipient in `members`.
    pub to: usize,
    /// Field of the entry.
    pub prekey_number: u16,
    /// `ikmE` of RFC 9180's vectors; X-Wing's `eseed`.
    pub randomness: Hex,
    /// HPKE's `info`.
    pub info: Hex,
    /// HPKE's `enc`.
    pub enc: Hex,
    /// HPKE's ciphertext.
    pub ct: Hex,
    /// Recipient, prekey number, `enc` and `ct`.
    pub entry: Hex,
    /// The whole message.
    pub message: Hex,
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
    pub wants: u8,
}

/// Type 4.
#[derive(Deserialize, Debug)]
pub struct AckVector {
    /// Index of the sender in `members`.
    pub from: usize,
    /// Index of the acknowledged update in `updates`.
    pub update: usize,
    /// Field.
    pub generation: u32,
    /// Field.
    pub step: u8,
    /// Field.
    pub mac: Hex,
    /// The whole message.
    pub message: Hex,
}

/// Type 5.
#[derive(Deserialize, Debug)]
pub struct HeartbeatVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub seq: u32,
    /// Field.
    pub flags: u8,
    /// Field.
    pub generation: u32,
    /// Field.
    pub step: u8,
    /// Field.
    pub frames: u32,
    /// Field.
    pub newest: u32,
    /// Field.
    pub update_hash: Hex,
    /// Field: the hash of the announces in `view`.
    pub roster_hash: Hex,
    /// Field: the hash of `view`.
    pub view_hash: Hex,
    /// Field: the hash of `orders`.
    pub orders_hash: Hex,
    /// Field.
    pub counter: u32,
    /// Field.
    pub witness: Hex,
    /// Field.
    pub witness_seq: u32,
    /// Field.
    pub witness_hash: Hex,
    /// Field.
    pub prekey_number: u16,
    /// Field.
    pub prekey: Hex,
    /// Index of the witness in `heartbeats`.
    pub witness_at: Option<usize>,
    /// The sender's view of each member.
    pub view: Vec<SeenVector>,
    /// The orders in force.
    pub orders: Vec<OrderLine>,
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
pub struct OrderVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub counter: u32,
    /// Field.
    pub action: u8,
    /// Field.
    pub target: Hex,
    /// Field: the tags of those in `named`.
    pub identities: Vec<Hex>,
    /// Identities, in arbitrary order.
    pub named: Vec<Hex>,
}

/// Type 8.
#[derive(Deserialize, Debug)]
pub struct RosterVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub flags: u8,
    /// Field `from`.
    pub first: Hex,
    /// Field `to`.
    pub last: Hex,
    /// Field.
    pub entries: Vec<RosterEntryVector>,
}

/// One session of a roster.
#[derive(Deserialize, Debug)]
pub struct RosterEntryVector {
    /// Its first 8 bytes.
    pub session: Hex,
    /// 1 to 8.
    pub status: u8,
    /// Its newest generation.
    pub newest: u32,
    /// The first 4 bytes of the hash of the update that began it.
    pub update_hash: Hex,
}

/// Type 9.
#[derive(Deserialize, Debug)]
pub struct ForwardVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub messages: Vec<Hex>,
}

/// Type 10.
#[derive(Deserialize, Debug)]
pub struct RefusalVector {
    /// Message and signature.
    #[serde(flatten)]
    pub signed: SignedVector,
    /// Field.
    pub target: Hex,
    /// Field.
    pub reason: u8,
    /// Field.
    pub other: Hex,
}

/// Type 11.
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
    /// The side that starts it.
    pub a: CheckKey,
    /// The side that answers.
    pub b: CheckKey,
    /// 16 bytes.
    pub check: Hex,
    /// X25519 of both keys.
    pub secret: Hex,
    /// 6 bytes.
    pub sas: Hex,
    /// Seven indices into the table.
    pub emoji: Vec<u8>,
    /// Start, reply, reveal and two confirmations, B's first.
    pub messages: Vec<CheckVector>,
    /// The cancellation of another check.
    pub cancel: CheckVector,
    /// Validly signed, but rejected in place of the message of the same stage and sender.
    pub refused: Vec<RefusedCheck>,
}

/// One side's key of an emoji check.
#[derive(Deserialize, Debug)]
pub struct CheckKey {
    /// Index in `members`.
    pub member: usize,
    /// X25519.
    pub secret: Hex,
    /// X25519.
    pub public: Hex,
}

/// A message that ends an emoji check.
#[derive(Deserialize, Debug)]
pub struct RefusedCheck {
    /// Its defect.
    pub name: String,
    /// The whole message.
    pub message: Hex,
}

/// Several messages to one recipient.
#[derive(Deserialize, Debug)]
pub struct BundleVector {
    /// The special property of this case.
    pub name: String,
    /// Index in `members` of the claimed sender of all messages.
    pub from: usize,
    /// The whole message.
    pub message: Hex,
    /// Its parts.
    pub messages: Vec<BundledVector>,
}

/// One message of a bundle.
#[derive(Deserialize, Debug)]
pub struct BundledVector {
    /// The whole message.
    pub message: Hex,
    /// Why it is rejected; `None` if it is accepted.
    pub refused: Option<Refused>,
}

/// A bundle that is rejected as a whole.
#[derive(Deserialize, Debug)]
pub struct RefusedBundle {
    /// Its defect.
    pub name: String,
    /// Index in `members` of the claimed sender.
    pub from: usize,
    /// The whole message.
    pub message: Hex,
}

/// A message that must change nothing.
#[derive(Deserialize, Debug)]
pub struct RefusedMessage {
    /// Its defect.
    pub name: String,
    /// Why it is rejected: for its form, or after a comparison.
    pub kind: Refused,
    /// Index in `members` of the claimed sender.
    pub from: usize,
    /// Index in `members` of the member that must reject it.
    pub to: usize,
    /// Index in `updates` of the update that acks are compared with.
    pub update: usize,
    /// The whole message.
    pub message: Hex,
}

/// Why a message is rejected, in the order of the checks.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Refused {
    /// Version, type or tag.
    Head,
    /// Its length, the length of a part, or a field out of range.
    Malformed,
    /// An announce's session is not its hash.
    Session,
    /// An update's entry is for another recipient, or does not open.
    Entry,
    /// Signature or identity; for an update also the commitment.
    Signature,
    /// An announce for another media suite or KEM.
    Suite,
    /// An ack's mac.
    Mac,
}

/// A group id's hash.
#[derive(Deserialize, Debug)]
pub struct GroupVector {
    /// The application's name for the call.
    pub group_id: Hex,
    /// Its hash.
    pub group_hash: Hex,
}

/// A roster, in arbitrary order.
#[derive(Deserialize, Debug)]
pub struct RosterHashVector {
    /// Of the call.
    pub group_hash: Hex,
    /// 32 bytes.
    pub roster_hash: Hex,
    /// 60 digits.
    pub call_code: String,
    /// One to eight.
    pub announce_hashes: Vec<Hex>,
}

/// A view, in arbitrary order.
#[derive(Deserialize, Debug)]
pub struct ViewHashVector {
    /// 32 bytes.
    pub view_hash: Hex,
    /// One to eight.
    pub members: Vec<SeenVector>,
}

/// A line of a view.
#[derive(Deserialize, Debug)]
pub struct SeenVector {
    /// 32 bytes.
    pub announce_hash: Hex,
    /// Its newest generation; 0 if there is none.
    pub newest: u32,
    /// The hash of the update that began it; zeros if there is none.
    pub update_hash: Hex,
}

/// Orders in force, in arbitrary order.
#[derive(Deserialize, Debug)]
pub struct OrdersHashVector {
    /// 32 bytes.
    pub orders_hash: Hex,
    /// None to eight.
    pub orders: Vec<OrderLine>,
}

/// The hashed part of an order.
#[derive(Deserialize, Debug)]
pub struct OrderLine {
    /// Field.
    pub counter: u32,
    /// The session that signed it.
    pub session: Hex,
    /// Field.
    pub action: u8,
    /// Field.
    pub target: Hex,
    /// Field.
    pub identities: Vec<Hex>,
}

/// All of the file.
#[must_use]
pub fn all() -> Group {
    read(include_str!("../vectors/group/group.json"))
}
