//! x86-64, in three widths.

mod aes_ni;
mod avx512;
mod vaes;

pub(crate) use aes_ni::AesNi;
pub(crate) use avx512::Vaes512;
pub(crate) use vaes::Vaes256;
