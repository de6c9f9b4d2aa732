//! Instructions on 32 and 64 bits.

use wasmparser::{MemArg, Operator};

use crate::{
    Trap,
    value::{Value, mask, signed},
};

/// How a load turns bytes into a value.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) bytes: usize,
    pub(crate) is_signed: bool,
    /// Bits of the value.
    pub(crate) width: u32,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) const fn load<'o>(operator: &'o Operator<'_>) -> Option<(Load, &'o MemArg)> {
    use Operator::{
        F64Load, I32Load, I32Load8S, I32Load8U, I32Load16S, I32Load16U, I64Load, I64Load8S, I64Load8U,
        I64Load16S, I64Load16U, I64Load32S, I64Load32U, V128Load,
    };
    let (bytes, is_signed, width, memarg) = match operator {
        I32Load { memarg } => (4, false, 32, memarg),
        I32Load8U { memarg } => (1, false, 32, memarg),
        I32Load8S { memarg } => (1, true, 32, memarg),
        I32Load16U { memarg } => (2, false, 32, memarg),
        I32Load16S { memarg } => (2, true, 32, memarg),
        I64Load { memarg } | F64Load { memarg } => (8, false, 64, memarg),
        I64Load8U { memarg } => (1, false, 64, memarg),
        I64Load8S { memarg } => (1, true, 64, memarg),
        I64Load16U { memarg } => (2, false, 64, memarg),
        I64Load16S { memarg } => (2, true, 64, memarg),
        I64Load32U { memarg } => (4, false, 64, memarg),
        I64Load32S { memarg } => (4, true, 64, memarg),
        V128Load { memarg } => (16, false, 128, memarg),
        _ => return None,
    };
    Some((Load { bytes, is_signed, width }, memarg))
}

/// Number of bytes of a store.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) const fn store<'o>(operator: &'o Operator<'_>) -> Option<(usize, &'o MemArg)> {
    Some(match operator {
        Operator::I32Store8 { memarg } | Operator::I64Store8 { memarg } => (1, memarg),
        Operator::I32Store16 { memarg } | Operator::I64Store16 { memarg } => (2, memarg),
        Operator::I32Store { memarg } | Operator::I64Store32 { memarg } => (4, memarg),
        Operator::I64Store { memarg } | Operator::F64Store { memarg } => (8, memarg),
        Operator::V128Store { memarg } => (16, memarg),
        _ => return None,
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn constant(operator: &Operator<'_>) -> Option<Value> {
    Some(Value::public(match operator {
        Operator::I32Const { value } => value.cast_unsigned().into(),
        Operator::I64Const { value } => value.cast_unsigned().into(),
        Operator::V128Const { value } => u128::from_le_bytes(*value.bytes()),
        _ => return None,
    }))
}

pub(crate) const fn divides(operator: &Operator<'_>) -> bool {
    use Operator::{I32DivS, I32DivU, I32RemS, I32RemU, I64DivS, I64DivU, I64RemS, I64RemU};
    matches!(operator, I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU)
}

/// Sign-extends a number of `from` bits to `to` bits.
pub(crate) fn extend(value: Value, from: u32, to: u32) -> Value {
    value.moved(|bits| signed(bits, from).cast_unsigned()).cut(to)
}

#[expect(clippy::cast_possible_truncation, reason = "narrowed on purpose")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn unary(operator: &Operator<'_>, x: Value) -> Option<Value> {
    use Operator::{
        F64ReinterpretI64, I32Clz, I32Ctz, I32Eqz, I32Extend8S, I32Extend16S, I32Popcnt, I32WrapI64,
        I64Clz, I64Ctz, I64Eqz, I64Extend8S, I64Extend16S, I64Extend32S, I64ExtendI32S, I64ExtendI32U,
        I64Popcnt, I64ReinterpretF64,
    };
    let mixed = |bits: u32| Value::mixed(bits.into(), x.secret, 7);
    Some(match operator {
        I32Eqz | I64Eqz => Value::mixed((x.bits == 0).into(), x.secret, 1),
        I32Clz => mixed((x.bits as u32).leading_zeros()),
        I64Clz => mixed((x.bits as u64).leading_zeros()),
        I32Ctz => mixed((x.bits as u32).trailing_zeros()),
        I64Ctz => mixed((x.bits as u64).trailing_zeros()),
        I32Popcnt | I64Popcnt => mixed(x.bits.count_ones()),
        I32WrapI64 => x.cut(32),
        F64ReinterpretI64 | I64ReinterpretF64 => x,
        I64ExtendI32U => x,
        I64ExtendI32S | I64Extend32S => extend(x.cut(32), 32, 64),
        I32Extend8S => extend(x.cut(8), 8, 32),
        I32Extend16S => extend(x.cut(16), 16, 32),
        I64Extend8S => extend(x.cut(8), 8, 64),
        I64Extend16S => extend(x.cut(16), 16, 64),
        _ => return None,
    })
}

/// The kind of a comparison, and its width.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
pub(crate) fn binary(operator: &Operator<'_>, x: Value, y: Value) -> Result<Option<Value>, Trap> {
    use Operator::{
        I32Add, I32And, I32DivS, I32DivU, I32Eq, I32GeS, I32GeU, I32GtS, I32GtU, I32LeS, I32LeU,
        I32LtS, I32LtU, I32Mul, I32Ne, I32Or, I32RemS, I32RemU, I32Rotl, I32Rotr, I32Shl, I32ShrS,
        I32ShrU, I32Sub, I32Xor, I64Add, I64And, I64DivS, I64DivU, I64Eq, I64GeS, I64GeU, I64GtS,
        I64GtU, I64LeS, I64LeU, I64LtS, I64LtU, I64Mul, I64Ne, I64Or, I64RemS, I64RemU, I64Rotl,
        I64Rotr, I64Shl, I64ShrS, I64ShrU, I64Sub, I64Xor,
    };
    let both = x.secret | y.secret;
    let test = |holds: bool| Value::mixed(holds.into(), both, 1);
    let (of, width) = match operator {
        I32Eq | I64Eq => return Ok(Some(equal(x, y))),
        I32Ne | I64Ne => return Ok(Some(equal(x, y).xor(Value::public(1)))),
        I32LtU | I64LtU => return Ok(Some(test(x.bits < y.bits))),
        I32GtU | I64GtU => return Ok(Some(test(x.bits > y.bits))),
        I32LeU | I64LeU => return Ok(Some(test(x.bits <= y.bits))),
        I32GeU | I64GeU => return Ok(Some(test(x.bits >= y.bits))),
        I32LtS => return Ok(Some(test(signed(x.bits, 32) < signed(y.bits, 32)))),
        I64LtS => return Ok(Some(test(signed(x.bits, 64) < signed(y.bits, 64)))),
        I32GtS => return Ok(Some(test(signed(x.bits, 32) > signed(y.bits, 32)))),
        I64GtS => return Ok(Some(test(signed(x.bits, 64) > signed(y.bits, 64)))),
        I32LeS => return Ok(Some(test(signed(x.bits, 32) <= signed(y.bits, 32)))),
        I64LeS => return Ok(Some(test(signed(x.bits, 64) <= signed(y.bits, 64)))),
        I32GeS => return Ok(Some(test(signed(x.bits, 32) >= signed(y.bits, 32)))),
        I64GeS => return Ok(Some(test(signed(x.bits, 64) >= signed(y.bits, 64)))),
        I32And | I64And => return Ok(Some(x.and(y))),
        I32Or | I64Or => return Ok(Some(x.or(y))),
        I32Xor | I64Xor => return Ok(Some(x.xor(y))),
        I32Add => (Arithmetic::Add, 32),
        I64Add => (Arithmetic::Add, 64),
        I32Sub => (Arithmetic::Sub, 32),
        I64Sub => (Arithmetic::Sub, 64),
        I32Mul => (Arithmetic::Mul, 32),
        I64Mul => (Arithmetic::Mul, 64),
        I32Shl => return Ok(Some(shift(x, y, 32, Shift::Left))),
        I64Shl => return Ok(Some(shift(x, y, 64, Shift::Left))),
        I32ShrU => return Ok(Some(shift(x, y, 32, Shift::Right))),
        I64ShrU => return Ok(Some(shift(x, y, 64, Shift::Right))),
        I32ShrS => return Ok(Some(shift(x, y, 32, Shift::SignedRight))),
        I64ShrS => return Ok(Some(shift(x, y, 64, Shift::SignedRight))),
        I32Rotl => return Ok(Some(rotate(x, y.bits, y.secret, 32))),
        I64Rotl => return Ok(Some(rotate(x, y.bits, y.secret, 64))),
        I32Rotr => return Ok(Some(rotate(x, 32 - y.bits % 32, y.secret, 32))),
        I64Rotr => return Ok(Some(rotate(x, 64 - y.bits % 64, y.secret, 64))),
        I32DivU | I64DivU => {
            return Ok(Some(Value::mixed(x.bits.checked_div(y.bits).ok_or(Trap::Division)?, both, 64)));
        }
        I32RemU | I64RemU => {
            return Ok(Some(Value::mixed(x.bits.checked_rem(y.bits).ok_or(Trap::Division)?, both, 64)));
        }
        I32DivS | I32RemS => return quotient(operator, x, y, 32),
        I64DivS | I64RemS => return quotient(operator, x, y, 64),
        _ => return Ok(None),
    };
    Ok(Some(arithmetic(of, x, y, width)))
}

fn quotient(operator: &Operator<'_>, x: Value, y: Value, width: u32) -> Result<Option<Value>, Trap> {
    let (a, b) = (signed(x.bits, width), signed(y.bits, width));
    let is_quotient = matches!(operator, Operator::I32DivS | Operator::I64DivS);
    let bits = if is_quotient { a.checked_div(b) } else { a.checked_rem(b) }.ok_or(Trap::Division)?;
    // The least number has no negation.
    if signed(bits.cast_unsigned(), width) != bits {
        return Err(Trap::Division);
    }
    Ok(Some(Value::mixed(bits.cast_unsigned(), x.secret | y.secret, width)))
}

/// 1 if both are equal. Public bits that differ decide it, whatever the secret bits are.
fn equal(x: Value, y: Value) -> Value {
    let both = x.secret | y.secret;
    let differs = (x.bits ^ y.bits) & !both != 0;
    Value::mixed((x.bits == y.bits).into(), if differs { 0 } else { both }, 1)
}

#[derive(Clone, Copy)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
}

pub(crate) fn arithmetic(of: Arithmetic, x: Value, y: Value, width: u32) -> Value {
    let bits = match of {
        Arithmetic::Add => x.bits.wrapping_add(y.bits),
        Arithmetic::Sub => x.bits.wrapping_sub(y.bits),
        Arithmetic::Mul => x.bits.wrapping_mul(y.bits),
    };
    // A public zero makes the product public.
    let is_nothing = |value: Value| value.bits == 0 && value.secret == 0;
    let from = match of {
        Arithmetic::Mul if is_nothing(x) || is_nothing(y) => 0,
        Arithmetic::Add | Arithmetic::Sub | Arithmetic::Mul => x.secret | y.secret,
    };
    Value::carried(bits, from, width)
}

#[derive(Clone, Copy)]
pub(crate) enum Shift {
    Left,
    Right,
    SignedRight,
}

#[expect(clippy::cast_possible_truncation, reason = "below the width")]
pub(crate) fn shift(x: Value, y: Value, width: u32, way: Shift) -> Value {
    let by = (y.bits as u32) % width;
    let shifted = match way {
        Shift::Left => x.moved(|bits| bits << by),
        Shift::Right => x.moved(|bits| bits >> by),
        Shift::SignedRight => x.moved(|bits| (signed(bits, width) >> by).cast_unsigned()),
    };
    Value::mixed(shifted.bits & mask(width), if y.secret == 0 { 0 } else { 1 }, width)
        .xor(Value { bits: 0, secret: shifted.secret & mask(width) })
}

#[expect(clippy::cast_possible_truncation, reason = "below the width")]
fn rotate(x: Value, by: u128, secret: u128, width: u32) -> Value {
    let by = (by as u32) % width;
    let turned = x.moved(|bits| bits << by | bits >> ((width - by) % 128)).cut(width);
    Value { bits: turned.bits, secret: turned.secret | if secret == 0 { 0 } else { mask(width) } }
}
