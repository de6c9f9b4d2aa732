//! The machine finds the dependencies that it must find, and computes as WebAssembly does.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::HashMap;

use sealframe_taint::{Kind, Machine, Trap};

/// Runs `body` on a memory of one page, growable by one, whose first 16 bytes are secret and whose
/// bytes 16 to 255 count up from 1. Returns the result, and what depended on a secret.
fn run(body: &str) -> (Result<u64, Trap>, Vec<Kind>) {
    let text = format!(
        r#"(module
            (memory 1 2)
            (table 2 funcref)
            (elem (i32.const 0) $one $two)
            (type $gives (func (result i32)))
            (func $one (result i32) i32.const 1)
            (func $two (result i32) i32.const 2)
            (func (export "run") (result i32) (local $x i32) (local $y i64) (local $v v128) {body}))"#
    );
    let module = wat::parse_str(text).unwrap();
    let mut machine = Machine::new(&module, HashMap::new()).unwrap();
    let secret: Vec<u8> = (1..=16).collect();
    machine.door().write(0, &secret, true).unwrap();
    let public: Vec<u8> = (1..=240).collect();
    machine.door().write(16, &public, false).unwrap();
    let result = machine.call("run", &[]).map(|results| results[0]);
    (result, machine.take_reports().iter().map(|report| report.kind).collect())
}

const SECRET: &str = "(i32.load8_u (i32.const 0))";

#[test]
fn every_decision_by_a_secret_is_reported() {
    for (body, kind) in [
        (format!("(if (result i32) {SECRET} (then i32.const 1) (else i32.const 2))"), Kind::Branch),
        (format!("(block (br_if 0 {SECRET})) i32.const 1"), Kind::Branch),
        (format!("(block (block (br_table 0 1 0 {SECRET}))) i32.const 1"), Kind::Branch),
        (format!("(i32.load8_u {SECRET})"), Kind::Load),
        (format!("(i32x4.extract_lane 0 (v128.load {SECRET}))"), Kind::Load),
        (format!("(i32x4.extract_lane 0 (v128.load32_splat {SECRET}))"), Kind::Load),
        (format!("(i32x4.extract_lane 0 (v128.load8_lane 0 {SECRET} (local.get $v)))"), Kind::Load),
        (format!("(i32.store {SECRET} (i32.const 1)) i32.const 1"), Kind::Store),
        (format!("(v128.store {SECRET} (local.get $v)) i32.const 1"), Kind::Store),
        (format!("(v128.store8_lane 0 {SECRET} (local.get $v)) i32.const 1"), Kind::Store),
        (format!("(call_indirect (type $gives) {SECRET})"), Kind::Call),
        (format!("(memory.copy (i32.const 64) (i32.const 32) {SECRET}) i32.const 1"), Kind::Bulk),
        (format!("(memory.copy (i32.const 64) {SECRET} (i32.const 1)) i32.const 1"), Kind::Bulk),
        (format!("(memory.fill {SECRET} (i32.const 0) (i32.const 1)) i32.const 1"), Kind::Bulk),
        (format!("(memory.grow {SECRET})"), Kind::Bulk),
        (format!("(i32.div_u (i32.const 100) {SECRET})"), Kind::Division),
        (format!("(i32.rem_s {SECRET} (i32.const 3))"), Kind::Division),
        (format!("(drop (f64.convert_i32_u {SECRET})) i32.const 1"), Kind::Float),
        (format!("(drop (table.get {SECRET})) i32.const 1"), Kind::Load),
        (format!("(table.set {SECRET} (ref.null func)) i32.const 1"), Kind::Store),
        (format!("(table.grow (ref.null func) {SECRET})"), Kind::Bulk),
    ] {
        assert_eq!(run(&body), (run(&body).0, vec![kind]), "{body}");
        assert!(run(&body).0.is_ok(), "{body}: {:?}", run(&body).0);
        // The same with public bytes gives no report.
        let public = body.replace(SECRET, "(i32.load8_u (i32.const 16))");
        let (result, reports) = run(&public);
        assert!(result.is_ok() && reports.is_empty(), "{public}: {reports:?}");
    }
}

#[test]
fn a_secret_is_followed_through_every_computation() {
    for through in [
        "(i32.add (i32.const 1))",
        "(i32.sub (i32.const 1))",
        "(i32.mul (i32.const 3))",
        "(i32.and (i32.const 0x55))",
        "(i32.or (i32.const 0x100))",
        "(i32.xor (i32.const 1))",
        "(i32.shl (i32.const 2))",
        "(i32.rotl (i32.const 9))",
        "(i32.eq (i32.const 3))",
        "(i32.lt_u (i32.const 3))",
        "i32.eqz",
        "i32.clz",
        "i32.popcnt",
        "i32.extend8_s",
        "i64.extend_i32_u i32.wrap_i64",
        "i64.extend_i32_s i64.const 7 i64.rotr i32.wrap_i64",
        "i64.extend_i32_u f64.reinterpret_i64 i64.reinterpret_f64 i32.wrap_i64",
        "i8x16.splat (v128.load (i32.const 16)) i8x16.min_u i32x4.extract_lane 0",
        "i8x16.splat (v128.load (i32.const 16)) i8x16.ne i32x4.extract_lane 0",
        "i8x16.splat (v128.load (i32.const 16)) i32x4.max_u i32x4.extract_lane 0",
        "i8x16.splat (v128.load (i32.const 16)) i16x8.extmul_high_i8x16_u i32x4.extract_lane 0",
        "i8x16.splat i16x8.extend_low_i8x16_s i32x4.extend_low_i16x8_u i32x4.extract_lane 0",
        "local.set $x local.get $x",
        "local.tee $x",
        "(i32.const 5) (i32.const 1) select",
        "local.set $x (i32.const 5) (i32.const 6) (local.get $x) select",
        "local.set $x (i32.store (i32.const 512) (local.get $x)) (i32.load16_u (i32.const 512))",
        "local.set $x (i32.store (i32.const 512) (local.get $x)) \
            (memory.copy (i32.const 600) (i32.const 510) (i32.const 8)) (i32.load (i32.const 602))",
        "local.set $x (memory.fill (i32.const 512) (local.get $x) (i32.const 3)) (i32.load (i32.const 512))",
        "i8x16.splat v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0 i8x16.swizzle \
            i32x4.extract_lane 2",
        // As an index into a table: the choice of the byte is secret.
        "i8x16.splat local.set $v (v128.load (i32.const 16)) (local.get $v) i8x16.swizzle \
            i32x4.extract_lane 0",
        "i32x4.splat (i32.const 3) i32x4.shl i32x4.extract_lane 1",
        "i64.extend_i32_u i64x2.splat v128.not i64x2.extract_lane 1 i32.wrap_i64",
        "i8x16.splat v128.any_true",
    ] {
        let body = format!("{SECRET} {through} (if (then)) i32.const 1");
        assert_eq!(run(&body), (Ok(1), vec![Kind::Branch]), "{through}");
    }
    // A byte beside a secret one is not secret, nor is a masked bit, nor a result that never
    // depended on a secret.
    for without in [
        "drop (i32.load8_u (i32.const 16))",
        "(i32.and (i32.const 0xff00))",
        "(i32.shr_u (i32.const 8))",
        "(i32.mul (i32.const 0))",
        "i32x4.splat (i8x16.replace_lane 0 (i32.const 7)) i8x16.extract_lane_u 0",
        "i8x16.splat (v128.load (i32.const 16)) \
            i8x16.shuffle 0 16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 i8x16.extract_lane_u 1",
    ] {
        let body = format!("{SECRET} {without} (if (then)) i32.const 1");
        assert_eq!(run(&body), (Ok(1), vec![]), "{without}");
    }
}

#[test]
fn a_comparison_that_stops_early_is_reported_each_time() {
    // Twice 16 bytes, the secret ones and a copy: equal, so all of them are compared.
    let body = "(loop $next (br_if 1 (i32.const 0) \
            (i32.ne (i32.load8_u (local.get $x)) (i32.load8_u (i32.add (local.get $x) (i32.const 16))))) \
            drop (br_if $next (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (i32.const 16)))) \
            i32.const 1";
    assert_eq!(run(body), (Ok(1), vec![Kind::Branch; 16]));
    let at_once = "(v128.any_true (v128.xor (v128.load (i32.const 0)) (v128.load (i32.const 16)))) \
            (if (then unreachable)) i32.const 1";
    assert_eq!(run(at_once), (Ok(1), vec![Kind::Branch]));
}

#[test]
fn it_calculates() {
    for (body, result) in [
        ("(i32.load (i32.const 0))", 0x0403_0201),
        ("(i32.load16_s (i32.const 255))", 0xf0),
        ("(i32.load8_s (i32.const 250))", 0xffff_ffeb),
        ("(i32.sub (i32.const 1) (i32.const 2))", 0xffff_ffff),
        ("(i32.div_s (i32.const -7) (i32.const 2))", 0xffff_fffd),
        ("(i32.rem_s (i32.const -7) (i32.const 2))", 0xffff_ffff),
        ("(i32.div_u (i32.const -7) (i32.const 2))", 0x7fff_fffc),
        ("(i32.shr_s (i32.const -8) (i32.const 33))", 0xffff_fffc),
        ("(i32.shr_u (i32.const -8) (i32.const 1))", 0x7fff_fffc),
        ("(i32.rotl (i32.const 0x80000001) (i32.const 32))", 0x8000_0001),
        ("(i32.rotr (i32.const 0x80000001) (i32.const 1))", 0xc000_0000),
        ("(i32.lt_s (i32.const -1) (i32.const 1))", 1),
        ("(i32.lt_u (i32.const -1) (i32.const 1))", 0),
        ("(i64.ge_s (i64.const -1) (i64.const 0))", 0),
        ("(i32.wrap_i64 (i64.shr_s (i64.const -1) (i64.const 40)))", 0xffff_ffff),
        ("(i32.ctz (i32.const 0))", 32),
        ("(i32.wrap_i64 (i64.clz (i64.const 1)))", 63),
        ("(block (result i32) (br 0 (i32.const 4)) (unreachable))", 4),
        (
            "(loop $l (local.set $x (i32.add (local.get $x) (i32.const 1))) \
            (br_if $l (i32.lt_u (local.get $x) (i32.const 9)))) local.get $x",
            9,
        ),
        ("(if (result i32) (i32.const 0) (then (i32.const 1)) (else (i32.const 2)))", 2),
        ("(block (if (i32.const 0) (then (br 1)))) i32.const 3", 3),
        (
            "(block $a (block $b (block $c (br_table $c $b $a (i32.const 7))) (return (i32.const 0))) \
            (return (i32.const 1))) i32.const 2",
            2,
        ),
        ("(call_indirect (type $gives) (i32.const 1))", 2),
        ("(i32.add (memory.grow (i32.const 1)) (memory.size))", 3),
        ("(memory.grow (i32.const 9))", 0xffff_ffff),
        (
            "(i32x4.extract_lane 0 (i8x16.swizzle (v128.load (i32.const 16)) \
            (v128.const i8x16 3 2 1 16 0 0 0 0 0 0 0 0 0 0 0 0)))",
            0x0002_0304,
        ),
        (
            "(i16x8.extract_lane_u 7 (i16x8.shl (i16x8.splat (i32.const 0x1001)) (i32.const 20)))",
            0x0010,
        ),
        (
            "(i8x16.extract_lane_s 3 (i8x16.sub (v128.load (i32.const 16)) (i8x16.splat (i32.const 5))))",
            0xffff_ffff,
        ),
        (
            "(i32.wrap_i64 (i64x2.extract_lane 1 (i64x2.mul (v128.const i64x2 2 3) (v128.const i64x2 5 7))))",
            21,
        ),
        (
            "(i32x4.extract_lane 1 (i16x8.extmul_low_i8x16_u (i8x16.splat (i32.const 255)) \
            (v128.load (i32.const 16))))",
            0x03fc_02fd,
        ),
        (
            "(i32x4.extract_lane 3 (i16x8.extmul_high_i8x16_u (i8x16.splat (i32.const 1)) \
            (v128.load (i32.const 16))))",
            0x0010_000f,
        ),
        ("(i32x4.extract_lane 1 (i16x8.extend_low_i8x16_u (v128.load (i32.const 16))))", 0x0004_0003),
        ("(i32x4.extract_lane 0 (i16x8.extend_low_i8x16_s (v128.load (i32.const 144))))", 0xff82_ff81),
        ("(i32x4.extract_lane 1 (i32x4.extend_low_i16x8_u (v128.load (i32.const 16))))", 0x0403),
        ("(i32x4.extract_lane 1 (i32x4.extend_low_i16x8_s (v128.load (i32.const 144))))", 0xffff_8483),
        (
            "(i32x4.extract_lane 1 (i32x4.max_u (v128.const i32x4 0 -1 0 0) (v128.const i32x4 0 1 0 0)))",
            0xffff_ffff,
        ),
        (
            "(i32x4.extract_lane 0 (i8x16.min_u (v128.load (i32.const 16)) (i8x16.splat (i32.const 2))))",
            0x0202_0201,
        ),
        (
            "(i32x4.extract_lane 0 (i8x16.ne (v128.load (i32.const 16)) (i8x16.splat (i32.const 2))))",
            0xffff_00ff,
        ),
        ("(i32.trunc_sat_f64_u (f64.div (f64.const 7) (f64.const 2)))", 3),
        ("(i32.trunc_sat_f64_u (f64.const -1))", 0),
        ("(i32.trunc_sat_f64_s (f64.const 1e300))", 0x7fff_ffff),
        ("(i32.wrap_i64 (i64.trunc_sat_f64_s (f64.sub (f64.const 1) (f64.const 3.5))))", 0xffff_fffe),
        ("(i32.wrap_i64 (i64.trunc_sat_f64_u (f64.const nan)))", 0),
        ("(f64.lt (f64.const 1) (f64.const 2))", 1),
        ("(f64.ge (f64.const 1) (f64.const nan))", 0),
        ("(f64.ne (f64.const nan) (f64.const nan))", 1),
        ("(f64.eq (f64.const 0) (f64.neg (f64.const 0)))", 1),
        ("(f64.gt (f64.min (f64.const 1) (f64.const 2)) (f64.max (f64.const 1) (f64.const 0)))", 0),
        ("(f64.le (f64.floor (f64.const 1.5)) (f64.trunc (f64.const 1.5)))", 1),
        (
            "(f64.eq (f64.ceil (f64.const -1.5)) (f64.copysign (f64.abs (f64.const -1)) (f64.const -7)))",
            1,
        ),
        (
            "(i32.wrap_i64 (i64.shr_u (i64.reinterpret_f64 (f64.mul (f64.convert_i32_s (i32.const -3)) \
            (f64.const 0.5))) (i64.const 32)))",
            0xbff8_0000,
        ),
        ("(i32.trunc_sat_f64_u (f64.convert_i32_u (i32.const -1)))", 0xffff_ffff),
        ("(f64.eq (f64.convert_i64_u (i64.const -1)) (f64.const 0x1p64))", 1),
        ("(f64.eq (f64.convert_i64_s (i64.const -1)) (f64.const -1))", 1),
        ("(f64.store (i32.const 512) (f64.const 1)) (i32.load (i32.const 516))", 0x3ff0_0000),
        ("(i32.trunc_sat_f64_u (f64.add (f64.load (i32.const 1024)) (f64.const 9)))", 9),
        ("(i32.add (table.grow (ref.null func) (i32.const 3)) (table.size))", 7),
        (
            "(table.set (i32.const 0) (table.get (i32.const 1))) \
            (call_indirect (type $gives) (i32.const 0))",
            2,
        ),
        (
            "(i32x4.extract_lane 1 (v128.bitselect (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8) \
            (v128.const i32x4 0 3 0 0)))",
            6,
        ),
        (
            "(i32x4.extract_lane 1 (v128.andnot (v128.const i32x4 0 7 0 0) (v128.const i32x4 0 2 0 0)))",
            5,
        ),
    ] {
        assert_eq!(run(body).0, Ok(result), "{body}");
    }
    for (body, trap) in [
        ("unreachable", Trap::Unreachable),
        ("(i32.load (i32.const 65533))", Trap::OutOfBounds),
        ("(i32.load offset=4 (i32.const -4))", Trap::OutOfBounds),
        ("(memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)) i32.const 1", Trap::OutOfBounds),
        ("(call_indirect (type $gives) (i32.const 2))", Trap::OutOfBounds),
        ("(drop (table.get (i32.const 2))) i32.const 1", Trap::OutOfBounds),
        ("(table.set (i32.const 2) (ref.null func)) i32.const 1", Trap::OutOfBounds),
        (
            "(table.set (i32.const 0) (ref.null func)) (call_indirect (type $gives) (i32.const 0))",
            Trap::OutOfBounds,
        ),
        ("(i32.div_u (i32.const 1) (i32.const 0))", Trap::Division),
        ("(i32.div_s (i32.const 0x80000000) (i32.const -1))", Trap::Division),
        ("(i32.trunc_f32_u (f32.const 1))", Trap::Unknown(String::new())),
    ] {
        match (run(body).0, trap) {
            (Err(Trap::Unknown(_)), Trap::Unknown(_)) => {}
            (result, trap) => assert_eq!(result, Err(trap), "{body}"),
        }
    }
}

#[test]
fn published_bytes_are_not_secret() {
    let module = wat::parse_str(
        r#"(module (memory 1) (func (export "copy")
            (memory.copy (i32.const 512) (i32.const 0) (i32.const 64))))"#,
    );
    let module = module.unwrap();
    let mut machine = Machine::new(&module, HashMap::new()).unwrap();
    let secret: Vec<u8> = (1..=48).collect();
    machine.door().write(0, &secret, true).unwrap();
    machine.door().write(48, &[0; 32], true).unwrap();
    machine.call("copy", &[]).unwrap();
    let is_secret = |machine: &Machine<'_>, at: u64, len: u64| machine.read(at, len).unwrap().1;
    // Too short to be recognised, and a run of zeros, which is too common.
    machine.publish(&secret[..15]);
    machine.publish(&[0; 32]);
    for at in 0..80 {
        assert!(is_secret(&machine, at, 1), "{at}");
    }
    machine.publish(&[&[99; 7], &secret[4..24], &[99; 7]].concat());
    for copy in [0, 512] {
        for at in 0..64 {
            assert_eq!(is_secret(&machine, copy + at, 1), !(4..24).contains(&at), "{copy} {at}");
        }
    }
}
