//! Runs a WebAssembly module and says where a branch or an address depends on a secret: whether what a compiler made of
//! constant-time source is still so.
//!
//! Every bit of every value carries along whether it may depend on a secret. What decides which instruction comes next, which
//! function is called, or where memory is read or written is looked at, and reported if any bit of it does. Nothing is
//! simulated that browsers add: what their compilers make of the module is not seen here.
//!
//! | module | noun |
//! |---|---|
//! | `module` | a module, taken apart |
//! | `machine` | [`Machine`]: control, calls, memory; [`Report`] |
//! | `shape` | what kind of thing an instruction does |
//! | `numeric`, `simd`, `float` | what each instruction makes of its operands |
//! | `value` | [`Value`]: bits, and which of them are secret |
//! | `memory` | linear memory of such |
#![forbid(unsafe_code)]

mod float;
mod machine;
mod memory;
mod module;
mod numeric;
mod shape;
mod simd;
mod value;

pub use machine::{Door, Host, Kind, Machine, Report};
pub use module::Malformed;
pub use value::Value;

/// Why a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Trap {
    /// No such bytes, or no such function in a table.
    OutOfBounds,
    /// The module gave up.
    Unreachable,
    /// By zero, or too far.
    Division,
    /// Calls within calls.
    TooDeep,
    /// No function of this name is exported.
    NotExported,
    /// No host function of this name was given.
    NotImported(String),
    /// The module is not valid, or an instruction was misunderstood here.
    Invalid,
    /// An instruction that this machine does not know.
    Unknown(String),
}
