//! Several judges combined into one.

use core::fmt;

use crate::{IDENTITY_LENGTH, Judge, Refusal, Verified};

/// Accepts what any of its judges accepts, asked in order. Each of them is trusted with every user
/// name: the issuer of one can name a user of another.
#[derive(Default)]
pub struct AnyOf {
    judges: Vec<Box<dyn Judge>>,
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyOf").field("judges", &self.judges.len()).finish()
    }
}

impl AnyOf {
    /// Without judges: every credential is [`Refusal::NotThisKind`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a judge, asked after those before. An [`Arc`](std::sync::Arc) of a judge is one too, so
    /// that its keys can be replaced later.
    #[must_use]
    pub fn or(mut self, judge: impl Judge + 'static) -> Self {
        self.judges.push(Box::new(judge));
        self
    }
}

impl Judge for AnyOf {
    /// Of several refusals returns the first that is not [for another
    /// judge](Refusal::is_for_another_judge), or else the first of a judge whose kind matches.
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        const fn weight(refusal: &Refusal) -> u8 {
            if !refusal.is_for_another_judge() {
                2
            } else if matches!(refusal, Refusal::NotThisKind) {
                0
            } else {
                1
            }
        }
        let mut told = Refusal::NotThisKind;
        for judge in &self.judges {
            match judge.judge(identity, group_id, credential, now) {
                Ok(verified) => return Ok(verified),
                Err(refusal) if weight(&refusal) > weight(&told) => told = refusal,
                Err(_) => {}
            }
        }
        Err(told)
    }

    fn revision(&self) -> u64 {
        self.judges.iter().fold(0, |sum, judge| sum.wrapping_add(judge.revision()))
    }
}
