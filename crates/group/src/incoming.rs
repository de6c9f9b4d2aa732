//! What others say.

use alloc::{boxed::Box, vec::Vec};
use core::time::Duration;

use sealframe_crypto::BaseKey;
use sealframe_wire::SenderKeyKid;
use subtle::ConstantTimeEq;

use crate::{
    Departure, Event, Group, GroupError, Output, Recipient, SessionId,
    member::Member,
    message::{
        self, Ack, Action, Addressee, Announce, Body, Control, Entry, Evidence, Heartbeat, KeyRequest,
        KeyUpdate, Message, entry_info,
    },
    nonces::Nonce,
    updates::Begun,
};

/// An update's key, opened and found to be what its header commits to.
struct OpenedEntry {
    base_key: BaseKey,
    mac: [u8; 16],
}

impl Group {
    /// Takes a message that the server handed over. What comes of it comes out of [`poll`](Self::poll).
    ///
    /// # Errors
    /// [`GroupError`]. Nothing has changed, but for what follows from parts that were authentic: an equivocation is
    /// reported, and whoever is unknown is asked who it is.
    pub fn handle_message(&mut self, bytes: &[u8], now: Duration) -> Result<(), GroupError> {
        if self.has_ended {
            return Err(GroupError::Ended);
        }
        let message = Message::parse(bytes)?;
        if message.head.group != self.head.group {
            return Err(GroupError::OtherGroup);
        }
        if message.head.kem != self.head.kem {
            return Err(GroupError::OtherKem);
        }
        let session = message.head.session;
        if session == self.head.session {
            return Err(GroupError::Own);
        }
        if self.gone.contains(session) {
            return self.hear_departed(&message, bytes, now);
        }
        if let Body::Announce(announce) = &message.body {
            return self.hear_announce(&message, announce, bytes, now);
        }
        if !self.members.contains_key(&session) {
            return Err(self.hear_stranger(&message, now));
        }
        if let Body::Ack(ack) = &message.body {
            return self.hear_ack(session, ack);
        }
        self.hear_member(&message, bytes, now)
    }

    /// As [`handle_message`](Self::handle_message), of a message that came over the connection of number `from`, as the server
    /// says. An announce with another number than that is taken from members alone, who hand on what others have announced:
    /// nobody else can use up a number that is not its own.
    ///
    /// # Errors
    /// [`GroupError`], as there; [`GroupError::NotAllowed`] for such an announce.
    pub fn handle_message_from(
        &mut self,
        bytes: &[u8],
        from: u16,
        now: Duration,
    ) -> Result<(), GroupError> {
        if let Body::Announce(announce) = Message::parse(bytes)?.body
            && announce.sender != from
            && self.session_of(from).is_none()
        {
            return Err(GroupError::NotAllowed);
        }
        self.handle_message(bytes, now)
    }

    /// A message that a member has signed, or so it says.
    fn hear_member(
        &mut self,
        message: &Message<'_>,
        bytes: &[u8],
        now: Duration,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let member = self.members.get(&session).ok_or(GroupError::UnknownMember(session))?;
        // What has been said already costs nothing.
        match &message.body {
            Body::Heartbeat(heartbeat) if heartbeat.seq <= member.life.heartbeat_seq => {
                return Err(GroupError::Stale);
            }
            Body::Control(Control { counter, action: Action::Lock | Action::Unlock })
                if !self.lock.is_newer(*counter, session) =>
            {
                return Err(GroupError::Stale);
            }
            Body::KeyRequest(KeyRequest { target, .. }) | Body::Check { target, .. }
                if *target != self.head.session =>
            {
                return Err(GroupError::NotForUs);
            }
            Body::Announce(_)
            | Body::KeyUpdate(_)
            | Body::KeyRequest(_)
            | Body::Ack(_)
            | Body::Heartbeat(_)
            | Body::Leave
            | Body::Control(_)
            | Body::Evidence(_)
            | Body::Check { .. } => {}
        }
        self.check_signature(message, now)?;
        match &message.body {
            Body::KeyUpdate(update) => self.hear_update(message, update, now),
            Body::KeyRequest(_) => {
                self.hear_request(session);
                Ok(())
            }
            Body::Heartbeat(heartbeat) => self.hear_heartbeat(session, heartbeat, now),
            Body::Leave => self.depart(session, Departure::Left, Some(bytes.to_vec()), now),
            Body::Control(control) => self.hear_control(session, control, bytes, now),
            Body::Evidence(evidence) => self.hear_evidence(session, evidence, now),
            Body::Check { message, .. } => self.hear_check(session, *message),
            Body::Announce(_) | Body::Ack(_) => Err(GroupError::Unauthentic),
        }
    }

    /// Whether a member may speak, and has. As long as not too much is forged, what others say in its name costs it nothing.
    fn check_signature(&mut self, message: &Message<'_>, now: Duration) -> Result<(), GroupError> {
        let session = message.head.session;
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        let is_calm = self.forgeries.has_left(now);
        if !is_calm && !member.allowance.take(now) {
            return Err(GroupError::Busy);
        }
        if !message.is_signed_by(&member.identity()) {
            self.forgeries.take(now);
            return Err(GroupError::Unauthentic);
        }
        if is_calm && !member.allowance.take(now) { Err(GroupError::Busy) } else { Ok(()) }
    }

    /// A member is there: it has sent another heartbeat. Nothing else is counted so that it is no sign of life when it is
    /// played again.
    fn hear_life(&mut self, session: SessionId, now: Duration) {
        if let Some(member) = self.members.get_mut(&session) {
            member.life.heard_at = now.into();
            if core::mem::take(&mut member.life.is_silent) {
                self.event(Event::Heard(session));
            }
        }
    }

    fn hear_update(
        &mut self,
        message: &Message<'_>,
        update: &KeyUpdate,
        now: Duration,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let hash = KeyUpdate::header_hash(message.signed);
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        let known = match member.updates.check(update.seq, &hash) {
            Err(GroupError::Equivocation) => return Err(self.catch(session)),
            known => known?,
        };
        if let Some(mac) = known.and_then(|known| known.mac) {
            // Our ack was lost.
            self.acknowledge(session, update.seq, mac);
            return Ok(());
        }
        // An older one, or one that was heard before, says nothing of who is in the call now.
        let is_newest = known.is_none() && update.seq > member.updates.newest_seq();
        let opened = self.open_entry(message, update, &hash)?;
        if known.is_some() && opened.is_none() {
            return Err(GroupError::Stale);
        }
        self.note_update(message, update, hash, opened.as_ref().map(|opened| opened.mac), now)?;
        if is_newest {
            self.hear_roster(session, update.roster_hash, now);
        }
        let Some(OpenedEntry { base_key, mac }) = opened else { return Ok(()) };
        self.acknowledge(session, update.seq, mac);
        self.install(session, update, base_key, now)
    }

    /// Opens our entry of an update, if there is one. Changes nothing.
    fn open_entry(
        &self,
        message: &Message<'_>,
        update: &KeyUpdate,
        hash: &[u8; 32],
    ) -> Result<Option<OpenedEntry>, GroupError> {
        let session = message.head.session;
        let member = self.members.get(&session).ok_or(GroupError::UnknownMember(session))?;
        let nh = self.config.suite.nh();
        let mut entries = Entry::parse_all(message.entries, update, self.head.kem, nh)?;
        let Some(entry) = entries.find(|entry| entry.recipient == self.head.session) else {
            return Ok(None);
        };
        let nonce = self.nonces.find(entry.nonce_number).ok_or(GroupError::Stale)?;
        let to = Addressee {
            identity: self.key.public(),
            session: self.head.session,
            kem_key: Announce::kem_key_in(&self.announce),
            nonce,
        };
        let info = entry_info(&message.head, self.config.suite, &member.identity(), &to);
        let base_key = self.kem_secret.unwrap(entry.enc, entry.ciphertext, &info, message.signed);
        let base_key = base_key.map_err(|_| GroupError::WrongKey)?;
        let bytes = base_key.expose_bytes();
        let commit =
            KeyUpdate::commit(bytes, &self.head.group, session, update.generation, update.step);
        if bytes.len() != nh || !bool::from(commit.ct_eq(&update.key_commit)) {
            return Err(GroupError::WrongKey);
        }
        let mac = Ack::mac(bytes, hash, self.head.session);
        Ok(Some(OpenedEntry { base_key, mac }))
    }

    /// Keeps in mind an update that is authentic.
    fn note_update(
        &mut self,
        message: &Message<'_>,
        update: &KeyUpdate,
        hash: [u8; 32],
        mac: Option<[u8; 16]>,
        now: Duration,
    ) -> Result<(), GroupError> {
        let session = message.head.session;
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        let (begun, before) = if update.reason.begins_generation() {
            let mut signed = Box::new([0; Evidence::UPDATE_LEN]);
            signed[..KeyUpdate::HEADER_LEN].copy_from_slice(message.signed);
            signed[KeyUpdate::HEADER_LEN..].copy_from_slice(&message.signature.unwrap_or([0; 64]));
            (
                Begun { generation: update.generation, hash, signed: Some(signed) },
                Some(&update.prev_hash),
            )
        } else {
            let hash = update.prev_hash;
            (Begun { generation: update.generation, hash, signed: None }, None)
        };
        let begins = member.updates.begin(begun, before);
        match begins {
            Err(_) => return Err(self.catch(session)),
            Ok(is_known) => {
                member.updates.note(update.seq, hash, mac, now);
                if !is_known {
                    self.event(Event::UpdateMissing(session));
                }
            }
        }
        self.see_view(now);
        Ok(())
    }

    /// Hands a key to the media path, unless its generation is open already.
    fn install(
        &mut self,
        session: SessionId,
        update: &KeyUpdate,
        base_key: BaseKey,
        now: Duration,
    ) -> Result<(), GroupError> {
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        member.ask_no_more();
        if member.updates.is_open(update.generation)? {
            return Ok(());
        }
        let sender = u64::from(member.sender);
        let kid = SenderKeyKid { generation: update.generation, sender, step: update.step.into() };
        let number = member.sender;
        if let Some(generation) = member.updates.open(update.generation, update.step, now) {
            self.out.push_back(Output::ForgetGeneration { sender: number, generation });
        }
        self.out.push_back(Output::Install { kid, base_key });
        Ok(())
    }

    fn acknowledge(&mut self, target: SessionId, seq: u64, mac: [u8; 16]) {
        let ack = message::encode(&self.head, &Body::Ack(Ack { target, seq, mac }));
        self.send(Recipient::One(target), ack);
    }

    fn hear_ack(&mut self, session: SessionId, ack: &Ack) -> Result<(), GroupError> {
        if ack.target != self.head.session {
            return Err(GroupError::NotForUs);
        }
        if !self.own.acknowledge(session, ack) {
            return Err(GroupError::Stale);
        }
        if let Some(member) = self.members.get_mut(&session) {
            member.life.is_fresh = true;
        }
        Ok(())
    }

    /// The nonce in it is for those who do not know the speaker: requests are not counted, and one that is played again would set
    /// it back.
    fn hear_request(&mut self, session: SessionId) {
        self.requests.insert(session);
    }

    fn hear_heartbeat(
        &mut self,
        session: SessionId,
        heartbeat: &Heartbeat,
        now: Duration,
    ) -> Result<(), GroupError> {
        let member = self.members.get_mut(&session).ok_or(GroupError::UnknownMember(session))?;
        hear_nonce(member, heartbeat.nonce_number, heartbeat.nonce);
        member.life.note(heartbeat);
        let begun = member.updates.begun().map(|begun| (begun.generation, begun.hash));
        let is_open = member.updates.is_open(heartbeat.generation).unwrap_or(true);
        match begun {
            Some((generation, hash))
                if generation == heartbeat.newest && hash != heartbeat.update_hash =>
            {
                return Err(self.catch(session));
            }
            Some((generation, _)) if generation >= heartbeat.newest && is_open => {}
            _ => {
                // It may be under way.
                member.ask_by(now + Duration::from_secs(1));
            }
        }
        let lacks_lock = heartbeat.control < self.lock.counter();
        if let Some(words) = self.lock.words.clone().filter(|_| lacks_lock) {
            self.send(Recipient::One(session), words);
        }
        if self.hear_roster(session, heartbeat.roster_hash, now) {
            self.hear_view(session, heartbeat.view_hash, now);
        }
        self.hear_life(session, now);
        Ok(())
    }

    /// Looks through what others are said to have signed for what they told us differently.
    fn hear_evidence(
        &mut self,
        from: SessionId,
        evidence: &Evidence,
        now: Duration,
    ) -> Result<(), GroupError> {
        if evidence.updates.len() > self.config.policy.max_members {
            return Err(GroupError::NotAllowed);
        }
        let mut liars = Vec::new();
        for signed in &evidence.updates {
            let Ok(message) = Message::parse(signed) else { continue };
            let Body::KeyUpdate(update) = message.body else { continue };
            let session = message.head.session;
            let is_ours = message.head.group == self.head.group && message.head.kem == self.head.kem;
            let Some(member) = self.members.get(&session).filter(|_| is_ours) else { continue };
            let hash = KeyUpdate::header_hash(message.signed);
            let begun = member.updates.begun().map(|begun| (begun.generation, begun.hash));
            if begun == Some((update.generation, hash)) || session == from {
                continue;
            }
            // Each signature costs who makes us look at it, and who shows a false one is heard no further.
            let allowance = self.members.get_mut(&from).map(|from| &mut from.allowance);
            if !allowance.is_some_and(|allowance| allowance.take(now)) {
                break;
            }
            let Some(member) = self.members.get_mut(&session) else { continue };
            if !message.is_signed_by(&member.identity()) {
                break;
            }
            let differs = begun.is_some_and(|begun| begun.0 == update.generation)
                || member.updates.check(update.seq, &hash).err() == Some(GroupError::Equivocation);
            if differs && update.reason.begins_generation() {
                liars.push(session);
            } else if begun.is_none_or(|begun| begun.0 < update.generation) {
                member.ask_by(now);
            }
        }
        for session in liars {
            self.catch(session);
        }
        Ok(())
    }

    /// A member has signed two things that exclude each other.
    fn catch(&mut self, session: SessionId) -> GroupError {
        let is_news = self
            .members
            .get_mut(&session)
            .is_some_and(|member| !core::mem::replace(&mut member.has_equivocated, true));
        if is_news {
            self.event(Event::Equivocation(session));
        }
        GroupError::Equivocation
    }
}

/// A nonce that comes after the one that we know of a member.
fn hear_nonce(member: &mut Member, number: u8, bytes: [u8; 24]) {
    if (1..128).contains(&number.wrapping_sub(member.nonce.number)) {
        member.nonce = Nonce { number, bytes };
    }
}
