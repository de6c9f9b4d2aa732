//! What one run of `cargo verify` does.

use super::steps::Step;

pub(super) struct Plan {
    pub(super) steps: Vec<&'static Step>,
    pub(super) is_quick: bool,
    pub(super) may_install: bool,
    pub(super) keeps_going: bool,
}
