//! Which backends this build has.

use sealframe_crypto::Backend;

/// The default one and the portable one, which may be the same.
pub(crate) fn backends() -> impl Iterator<Item = Backend> {
    let other = (Backend::default() != Backend::Portable).then(Backend::default);
    [Backend::Portable].into_iter().chain(other)
}
