//! Opens frames that may be laid out in several ways.

use super::{
    Layout, Opened,
    open::{Done, Failure, Opener},
};
use crate::OpenError;

/// Whether further layouts are tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Search {
    No,
    /// Clear bytes by a number modulo 256.
    CutOff,
}

impl Opener {
    /// Opens a frame that has one of these layouts, at least one; or, with `Search::CutOff`, any
    /// number of clear bytes from 1 to 255, which are tried if the budget covers it. Returns the
    /// layout too.
    #[cold]
    pub(crate) fn open_any<'f>(
        &mut self,
        frame: &'f mut [u8],
        layouts: &[Layout],
        search: Search,
    ) -> Result<(Layout, Opened<'f>), OpenError> {
        let mut spare = core::mem::take(&mut self.spare_frame);
        spare.clear();
        spare.extend_from_slice(frame);
        let (layout, done) = self.try_any(frame, &spare, layouts, search);
        if done.as_ref().is_err_and(|failure| failure.error != OpenError::Unauthentic) {
            frame.copy_from_slice(&spare);
        }
        self.spare_frame = spare;
        self.ended(frame, done).map(|opened| (layout, opened))
    }

    /// `spare` is the received frame. The first layout's error stands for all, unless it is
    /// [`OpenError::TooShort`].
    fn try_any(
        &mut self,
        frame: &mut [u8],
        spare: &[u8],
        layouts: &[Layout],
        search: Search,
    ) -> (Layout, Result<Done, Failure>) {
        let mut failure: Option<Failure> = None;
        // All layouts with the present key before any further key: a step can take long.
        for ratchets in [false, true] {
            for &layout in layouts {
                frame.copy_from_slice(spare);
                match self.open_as(frame, layout, ratchets) {
                    Ok(done) => return (layout, Ok(done)),
                    // Any error says more than that there are too few bytes.
                    Err(it) if failure.is_none_or(|it| it.error == OpenError::TooShort) => {
                        failure = Some(it);
                    }
                    Err(_) => {}
                }
            }
            if ratchets || failure.is_none_or(|it| it.error != OpenError::Unauthentic) {
                break;
            }
            if search == Search::CutOff && self.budget.try_spend(u8::MAX, frame.len()) {
                for layout in (1..=u8::MAX).rev().map(|clear| Layout::escaped(clear.into())) {
                    frame.copy_from_slice(spare);
                    self.report.stats.trials += 1;
                    if let Ok(done) = self.open_as(frame, layout, false) {
                        return (layout, Ok(done));
                    }
                }
            }
        }
        (layouts[0], Err(failure.unwrap_or_else(|| OpenError::Unauthentic.into())))
    }

    /// For the cold paths.
    fn open_as(&mut self, frame: &mut [u8], layout: Layout, ratchets: bool) -> Result<Done, Failure> {
        self.open_as_inlined(frame, layout, ratchets)
    }
}
