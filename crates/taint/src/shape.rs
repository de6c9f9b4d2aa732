//! The kind of an instruction, determined once, when its module is parsed.

use wasmparser::Operator;

use crate::{
    float,
    numeric::{self, Load},
    simd::{self, Spread},
    value::Value,
};

/// How operands become a value.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Constant(Value),
    Load(Load),
    /// Number of bytes.
    Store(usize),
    /// One lane of a vector, by index and number of bytes.
    LoadLane(u32, usize),
    StoreLane(u32, usize),
    /// A vector from this number of bytes.
    Spread(usize, Spread),
    Unary,
    Binary,
    VectorUnary,
    VectorBinary,
    VectorTernary,
    FloatUnary,
    FloatBinary,
    /// Control, locals, globals, tables, bulk memory; or an unsupported instruction.
    Other,
}

impl Shape {
    pub(crate) fn of(operator: &Operator<'_>) -> Self {
        let one = Value::public(1);
        if let Some(value) = numeric::constant(operator).or_else(|| float::constant(operator)) {
            Self::Constant(value)
        } else if let Some((load, _)) = numeric::load(operator) {
            Self::Load(load)
        } else if let Some((bytes, _)) = numeric::store(operator) {
            Self::Store(bytes)
        } else if let Some((_, lane, bytes, is_load)) = simd::lane_access(operator) {
            if is_load { Self::LoadLane(lane, bytes) } else { Self::StoreLane(lane, bytes) }
        } else if let Some((_, bytes, spread)) = simd::load(operator) {
            Self::Spread(bytes, spread)
        } else if numeric::unary(operator, one).is_some() {
            Self::Unary
        } else if !matches!(numeric::binary(operator, one, one), Ok(None)) {
            Self::Binary
        } else if simd::unary(operator, one).is_some() {
            Self::VectorUnary
        } else if simd::binary(operator, one, one).is_some() {
            Self::VectorBinary
        } else if simd::ternary(operator, one, one, one).is_some() {
            Self::VectorTernary
        } else if float::unary(operator, one).is_some() {
            Self::FloatUnary
        } else if float::binary(operator, one, one).is_some() {
            Self::FloatBinary
        } else {
            Self::Other
        }
    }
}
