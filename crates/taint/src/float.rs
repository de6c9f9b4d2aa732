//! Instructions on 64-bit floating-point numbers, which here are times. Their duration depends on
//! the operands in many processors, so a secret operand is reported.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]

use wasmparser::Operator;

use crate::value::Value;

pub(crate) fn constant(operator: &Operator<'_>) -> Option<Value> {
    match operator {
        Operator::F64Const { value } => Some(Value::public(value.bits().into())),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "WebAssembly's conversion: rounded, or saturated"
)]
pub(crate) fn unary(operator: &Operator<'_>, x: Value) -> Option<Value> {
    use Operator::{
        F64Abs, F64Ceil, F64ConvertI32S, F64ConvertI32U, F64ConvertI64S, F64ConvertI64U, F64Floor,
        F64Neg, F64Trunc, I32TruncSatF64S, I32TruncSatF64U, I64TruncSatF64S, I64TruncSatF64U,
    };
    let (number, bits) = (float(x), x.bits as u64);
    let made = match operator {
        F64Abs => number.abs(),
        F64Neg => -number,
        F64Floor => number.floor(),
        F64Ceil => number.ceil(),
        F64Trunc => number.trunc(),
        F64ConvertI32U => f64::from(bits as u32),
        F64ConvertI32S => f64::from(bits as i32),
        F64ConvertI64U => bits as f64,
        F64ConvertI64S => bits.cast_signed() as f64,
        I32TruncSatF64U => return Some(of(u128::from(number as u32), x.secret, 32)),
        I32TruncSatF64S => return Some(of((number as i32).cast_unsigned().into(), x.secret, 32)),
        I64TruncSatF64U => return Some(of(u128::from(number as u64), x.secret, 64)),
        I64TruncSatF64S => return Some(of((number as i64).cast_unsigned().into(), x.secret, 64)),
        _ => return None,
    };
    Some(of(made.to_bits().into(), x.secret, 64))
}

pub(crate) fn binary(operator: &Operator<'_>, x: Value, y: Value) -> Option<Value> {
    use Operator::{
        F64Add, F64Copysign, F64Div, F64Eq, F64Ge, F64Gt, F64Le, F64Lt, F64Max, F64Min, F64Mul, F64Ne,
        F64Sub,
    };
    let (a, b, secret) = (float(x), float(y), x.secret | y.secret);
    let test = |holds: bool| Some(of(holds.into(), secret, 1));
    let made = match operator {
        #[expect(clippy::float_cmp, reason = "exact comparison is the instruction")]
        F64Eq => return test(a == b),
        #[expect(clippy::float_cmp, reason = "exact comparison is the instruction")]
        F64Ne => return test(a != b),
        F64Lt => return test(a < b),
        F64Gt => return test(a > b),
        F64Le => return test(a <= b),
        F64Ge => return test(a >= b),
        F64Add => a + b,
        F64Sub => a - b,
        F64Mul => a * b,
        F64Div => a / b,
        F64Copysign => a.copysign(b),
        F64Min | F64Max if a.is_nan() || b.is_nan() => f64::NAN,
        F64Min => a.min(b),
        F64Max => a.max(b),
        _ => return None,
    };
    Some(of(made.to_bits().into(), secret, 64))
}

#[expect(clippy::cast_possible_truncation, reason = "it has 64 bits")]
const fn float(value: Value) -> f64 {
    f64::from_bits(value.bits as u64)
}

/// Each bit depends on all bits.
const fn of(bits: u128, secret: u128, width: u32) -> Value {
    Value::mixed(bits, secret, width)
}
