//! Instructions on 128 bits.

use wasmparser::{MemArg, Operator};

use crate::{
    numeric::{Arithmetic, Shift, arithmetic, shift},
    value::Value,
};

pub(crate) type Spread = fn(Value) -> Value;

/// Loads that widen fewer bytes to a vector.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn load<'o>(operator: &'o Operator<'_>) -> Option<(&'o MemArg, usize, Spread)> {
    Some(match operator {
        Operator::V128Load8Splat { memarg } => (memarg, 1, |value| Value::lanes(8, |_| value)),
        Operator::V128Load16Splat { memarg } => (memarg, 2, |value| Value::lanes(16, |_| value)),
        Operator::V128Load32Splat { memarg } => (memarg, 4, |value| Value::lanes(32, |_| value)),
        Operator::V128Load64Splat { memarg } => (memarg, 8, |value| Value::lanes(64, |_| value)),
        Operator::V128Load32Zero { memarg } => (memarg, 4, |value| value),
        Operator::V128Load64Zero { memarg } => (memarg, 8, |value| value),
        Operator::V128Load8x8U { memarg } => {
            (memarg, 8, |value| Value::lanes(16, |at| value.lane(at, 8)))
        }
        Operator::V128Load16x4U { memarg } => {
            (memarg, 8, |value| Value::lanes(32, |at| value.lane(at, 16)))
        }
        Operator::V128Load32x2U { memarg } => {
            (memarg, 8, |value| Value::lanes(64, |at| value.lane(at, 32)))
        }
        _ => return None,
    })
}

/// Loads and stores of one lane: its index, its number of bytes, and whether it is a load.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn lane_access<'o>(operator: &'o Operator<'_>) -> Option<(&'o MemArg, u32, usize, bool)> {
    let (memarg, lane, bytes, is_load) = match operator {
        Operator::V128Load8Lane { memarg, lane } => (memarg, lane, 1, true),
        Operator::V128Load16Lane { memarg, lane } => (memarg, lane, 2, true),
        Operator::V128Load32Lane { memarg, lane } => (memarg, lane, 4, true),
        Operator::V128Load64Lane { memarg, lane } => (memarg, lane, 8, true),
        Operator::V128Store8Lane { memarg, lane } => (memarg, lane, 1, false),
        Operator::V128Store16Lane { memarg, lane } => (memarg, lane, 2, false),
        Operator::V128Store32Lane { memarg, lane } => (memarg, lane, 4, false),
        Operator::V128Store64Lane { memarg, lane } => (memarg, lane, 8, false),
        _ => return None,
    };
    Some((memarg, u32::from(*lane), bytes, is_load))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn unary(operator: &Operator<'_>, x: Value) -> Option<Value> {
    use Operator::{
        I8x16ExtractLaneS, I8x16ExtractLaneU, I8x16Popcnt, I8x16Splat, I16x8ExtendLowI8x16S,
        I16x8ExtendLowI8x16U, I16x8ExtractLaneU, I16x8Splat, I32x4ExtendLowI16x8S,
        I32x4ExtendLowI16x8U, I32x4ExtractLane, I32x4Splat, I64x2ExtendHighI32x4U,
        I64x2ExtendLowI32x4U, I64x2ExtractLane, I64x2Splat, V128AnyTrue, V128Not,
    };
    let widened = |at: u32| Value::lanes(64, |to| x.lane(to + at, 32));
    let widened_signed =
        |to: u32| Value::lanes(to, |at| crate::numeric::extend(x.lane(at, to / 2), to / 2, to));
    Some(match operator {
        V128Not => Value { bits: !x.bits, secret: x.secret },
        V128AnyTrue => {
            let is_known = x.bits & !x.secret != 0;
            Value::mixed((x.bits != 0).into(), if is_known { 0 } else { x.secret }, 1)
        }
        I8x16Popcnt => Value::lanes(8, |at| {
            let lane = x.lane(at, 8);
            Value::mixed(lane.bits.count_ones().into(), lane.secret, 8)
        }),
        I8x16Splat => Value::lanes(8, |_| x),
        I16x8Splat => Value::lanes(16, |_| x),
        I32x4Splat => Value::lanes(32, |_| x),
        I64x2Splat => Value::lanes(64, |_| x),
        I8x16ExtractLaneU { lane } => x.lane(u32::from(*lane), 8),
        I8x16ExtractLaneS { lane } => crate::numeric::extend(x.lane(u32::from(*lane), 8), 8, 32),
        I16x8ExtractLaneU { lane } => x.lane(u32::from(*lane), 16),
        I32x4ExtractLane { lane } => x.lane(u32::from(*lane), 32),
        I64x2ExtractLane { lane } => x.lane(u32::from(*lane), 64),
        I16x8ExtendLowI8x16U => Value::lanes(16, |at| x.lane(at, 8)),
        I16x8ExtendLowI8x16S => widened_signed(16),
        I32x4ExtendLowI16x8U => Value::lanes(32, |at| x.lane(at, 16)),
        I32x4ExtendLowI16x8S => widened_signed(32),
        I64x2ExtendLowI32x4U => widened(0),
        I64x2ExtendHighI32x4U => widened(2),
        _ => return None,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn binary(operator: &Operator<'_>, x: Value, y: Value) -> Option<Value> {
    use Operator::{
        I8x16Add, I8x16Eq, I8x16MinU, I8x16Ne, I8x16RelaxedSwizzle, I8x16ReplaceLane, I8x16Shl,
        I8x16ShrU, I8x16Shuffle, I8x16Sub, I8x16Swizzle, I16x8Add, I16x8ExtMulHighI8x16U,
        I16x8ExtMulLowI8x16U, I16x8ReplaceLane, I16x8Shl, I16x8ShrU, I32x4Add, I32x4MaxU, I32x4Mul,
        I32x4ReplaceLane, I32x4Shl, I32x4ShrS, I32x4ShrU, I32x4Sub, I64x2Add, I64x2Mul,
        I64x2ReplaceLane, I64x2Shl, I64x2ShrU, I64x2Sub, V128And, V128AndNot, V128Or, V128Xor,
    };
    let shifted =
        |width: u32, way: Shift| Value::lanes(width, |at| shift(x.lane(at, width), y, width, way));
    let each = |width: u32, of: Arithmetic| {
        Value::lanes(width, |at| arithmetic(of, x.lane(at, width), y.lane(at, width), width))
    };
    let replaced = |lane: u8, width: u32| {
        Value::lanes(width, |at| if at == u32::from(lane) { y.cut(width) } else { x.lane(at, width) })
    };
    // The choice between two values is secret if either of them is.
    let chosen = |width: u32, is_first: fn(u128, u128) -> bool| {
        Value::lanes(width, |at| {
            let (a, b) = (x.lane(at, width), y.lane(at, width));
            let bits = if is_first(a.bits, b.bits) { a.bits } else { b.bits };
            Value::mixed(bits, a.secret | b.secret, width)
        })
    };
    let same = |holds: bool, secret: u128| Value::mixed(if holds { 0xff } else { 0 }, secret, 8);
    let multiplied = |from: u32| {
        Value::lanes(16, |at| {
            arithmetic(Arithmetic::Mul, x.lane(from + at, 8), y.lane(from + at, 8), 16)
        })
    };
    Some(match operator {
        V128And => x.and(y),
        V128Or => x.or(y),
        V128Xor => x.xor(y),
        V128AndNot => x.and(Value { bits: !y.bits, secret: y.secret }),
        I8x16Shuffle { lanes } => Value::lanes(8, |at| {
            let from = u32::from(lanes[at as usize]);
            if from < 16 { x.lane(from, 8) } else { y.lane(from - 16, 8) }
        }),
        I8x16Swizzle | I8x16RelaxedSwizzle => Value::lanes(8, |at| {
            let place = y.lane(at, 8);
            // Relaxed swizzles have an implementation-defined result from 16 to 127, which no
            // module here uses.
            let found = if place.bits < 16 { x.lane(low(place.bits), 8) } else { Value::default() };
            // Any of the bytes may be chosen.
            let secret = if place.is_secret() { 0xff } else { found.secret };
            Value { bits: found.bits, secret }
        }),
        I8x16Eq => Value::lanes(8, |at| {
            let (a, b) = (x.lane(at, 8), y.lane(at, 8));
            same(a.bits == b.bits, a.secret | b.secret)
        }),
        I8x16Ne => Value::lanes(8, |at| {
            let (a, b) = (x.lane(at, 8), y.lane(at, 8));
            same(a.bits != b.bits, a.secret | b.secret)
        }),
        I8x16MinU => chosen(8, |a, b| a < b),
        I32x4MaxU => chosen(32, |a, b| a > b),
        I16x8ExtMulLowI8x16U => multiplied(0),
        I16x8ExtMulHighI8x16U => multiplied(8),
        I8x16ReplaceLane { lane } => replaced(*lane, 8),
        I16x8ReplaceLane { lane } => replaced(*lane, 16),
        I32x4ReplaceLane { lane } => replaced(*lane, 32),
        I64x2ReplaceLane { lane } => replaced(*lane, 64),
        I8x16Shl => shifted(8, Shift::Left),
        I16x8Shl => shifted(16, Shift::Left),
        I32x4Shl => shifted(32, Shift::Left),
        I64x2Shl => shifted(64, Shift::Left),
        I8x16ShrU => shifted(8, Shift::Right),
        I16x8ShrU => shifted(16, Shift::Right),
        I32x4ShrU => shifted(32, Shift::Right),
        I32x4ShrS => shifted(32, Shift::SignedRight),
        I64x2ShrU => shifted(64, Shift::Right),
        I8x16Add => each(8, Arithmetic::Add),
        I8x16Sub => each(8, Arithmetic::Sub),
        I16x8Add => each(16, Arithmetic::Add),
        I32x4Add => each(32, Arithmetic::Add),
        I32x4Sub => each(32, Arithmetic::Sub),
        I32x4Mul => each(32, Arithmetic::Mul),
        I64x2Add => each(64, Arithmetic::Add),
        I64x2Sub => each(64, Arithmetic::Sub),
        I64x2Mul => each(64, Arithmetic::Mul),
        _ => return None,
    })
}

pub(crate) fn ternary(operator: &Operator<'_>, x: Value, y: Value, z: Value) -> Option<Value> {
    let chosen = |one: Value, other: Value| {
        let inverse = Value { bits: !z.bits, secret: z.secret };
        one.and(z).or(other.and(inverse))
    };
    matches!(operator, Operator::V128Bitselect).then(|| chosen(x, y))
}

#[expect(clippy::cast_possible_truncation, reason = "below 16")]
const fn low(bits: u128) -> u32 {
    bits as u32
}
