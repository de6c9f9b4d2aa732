//! Checks over the text of the project: rules that no compiler and no linter holds.
//!
//! | module | rule |
//! |---|---|
//! | [`width`] | no comment is wider than 100 columns |
//! | [`wildcards`] | the lint against wildcards over our own enums is on, and its exceptions are listed |
//! | [`circles`] | no two files import each other, not even through a third |
//! | [`layers`] | crates depend on each other as ARCHITECTURE.md draws it |
//! | [`duplicates`] | no six lines of code occur twice, except where a list gives the reason |
//! | [`links`] | links in documents lead somewhere |
//! | [`packages`] | what registries show of published packages is there and true |
//!
//! Each check takes a [`tree::Tree`] and returns [`finding::Finding`]s. Nothing is let
//! through but equal lines for which a list has the reason.

pub(crate) mod circles;
pub(crate) mod duplicates;
mod finding;
pub(crate) mod layers;
mod lexer;
pub(crate) mod links;
mod modules;
pub(crate) mod packages;
mod report;
mod tree;
pub(crate) mod width;
pub(crate) mod wildcards;
