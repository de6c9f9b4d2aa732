//! Runs a WebAssembly module and reports where a branch or an address depends on a secret: whether
//! constant-time source stayed constant-time after compilation.
//!
//! Every bit of every value records whether it may depend on a secret. A value that decides the
//! next instruction, the called function, or the address of a memory access is reported if any of
//! its bits does. Browsers compile the module further; their compilers are not covered here.
//!
//! | module | noun |
//! |---|---|
//! | `module` | a parsed module |
//! | `machine` | [`Machine`]: control, calls, memory; [`Report`] |
//! | `shape` | the kind of an instruction |
//! | `numeric`, `simd`, `float` | how each instruction computes its result |
//! | `value` | [`Value`]: bits, and which of them are secret |
//! | `memory` | linear memory of such bits |
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
    /// Bytes, or a function of a table, that do not exist.
    OutOfBounds,
    /// The module executed `unreachable`.
    Unreachable,
    /// Division by zero, or a conversion that overflows.
    Division,
    /// Too many nested calls.
    TooDeep,
    /// No function of this name is exported.
    NotExported,
    /// The host function of this name was not given.
    NotImported(String),
    /// The module is invalid, or this machine misinterprets an instruction.
    Invalid,
    /// An instruction that this machine does not support.
    Unknown(String),
}
