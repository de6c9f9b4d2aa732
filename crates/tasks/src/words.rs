//! Takes the words of panics out of a module.
//!
//! A panic ends a module at once, and its words go nowhere in a browser. What puts them together,
//! what calls it with which arguments, and where in the source that was, are a tenth of a module by
//! gzip.

use core::ops::Range;
use std::collections::HashSet;

use anyhow::{Result, bail};
use walrus::{
    ConstExpr, DataKind, FunctionId, FunctionKind, LocalFunction, Module,
    ir::{self, Instr, InstrSeq, InstrSeqId, Value, Visitor},
};

/// What panics, and what formats text: by parts of mangled names.
const WORDS: [&str; 8] = [
    "4core3fmt",
    "core..fmt..",
    "9panicking",
    "4core3str5count",
    "13unwrap_failed",
    "16slice_index_fail",
    "17len_mismatch_fail",
    "13assert_failed",
];

fn has_words(name: &str) -> bool {
    WORDS.iter().any(|part| name.contains(part)) || name.ends_with("3fmt") || name.contains("3fmt17h")
}

/// Has panics end at once: a call of what panics becomes a trap, with what was put on the stack for
/// it, and so does a call of what does nothing but trap then.
///
/// # Errors
///
/// If anything formats text for another reason.
pub(crate) fn drop(module: &mut Module) -> Result<()> {
    let mut traps: HashSet<FunctionId> = module
        .funcs
        .iter_local()
        .map(|(id, _)| id)
        .filter(|id| module.funcs.get(*id).name.as_deref().is_some_and(has_words))
        .collect();
    for id in &traps {
        replace(module, *id);
    }
    let others = module.funcs.iter_local().filter(|(id, _)| !traps.contains(id));
    for (id, function) in others {
        if let Some(callee) = formatting(function, &traps) {
            let name = |id| module.funcs.get(id).name.clone().unwrap_or_default();
            bail!("{} formats text, not only for a panic: by {}", name(id), name(callee));
        }
    }
    let mut new = traps.clone();
    while !new.is_empty() {
        for (_, function) in module.funcs.iter_local_mut() {
            end_at_calls(function, &new);
        }
        let others = module.funcs.iter_local().filter(|(id, _)| !traps.contains(id));
        new = others.filter(|(_, function)| only_traps(function)).map(|(id, _)| id).collect();
        traps.extend(&new);
    }
    drop_places(module);
    Ok(())
}

/// Gives a function a trap for a body.
fn replace(module: &mut Module, id: FunctionId) {
    let FunctionKind::Local(function) = &module.funcs.get(id).kind else { return };
    let of = module.types.get(function.ty());
    let (params, results) = (of.params().to_vec(), of.results().to_vec());
    let args = params.iter().map(|&param| module.locals.add(param)).collect();
    let mut builder = walrus::FunctionBuilder::new(&mut module.types, &params, &results);
    builder.func_body().unreachable();
    module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(args));
}

/// What a function calls of these to come back: a compiler knows of what panics that it does not,
/// and says so behind each call.
fn formatting(function: &LocalFunction, traps: &HashSet<FunctionId>) -> Option<FunctionId> {
    let of_sequence = |id| {
        let instrs = &function.block(id).instrs;
        let mut calls = instrs.iter().enumerate().filter_map(|(at, (instr, _))| {
            let Instr::Call(call) = instr else { return None };
            traps.contains(&call.func).then_some((at, call.func))
        });
        let (at, callee) = calls.next()?;
        (!matches!(instrs.get(at + 1), Some((Instr::Unreachable(_), _)))).then_some(callee)
    };
    sequences(function).into_iter().find_map(of_sequence)
}

/// Traps in place of calling what traps.
fn end_at_calls(function: &mut LocalFunction, traps: &HashSet<FunctionId>) {
    for id in sequences(function) {
        let instrs = &mut function.block_mut(id).instrs;
        let calls = |instr: &Instr| matches!(instr, Instr::Call(call) if traps.contains(&call.func));
        if let Some(at) = instrs.iter().position(|(instr, _)| calls(instr)) {
            instrs.truncate(at);
            end(instrs);
        }
    }
}

/// Ends a sequence with a trap, without what is computed for nothing before.
fn end(instrs: &mut Vec<(Instr, ir::InstrLocId)>) {
    let has_no_effect = |instr: &Instr| {
        matches!(
            instr,
            Instr::Const(_)
                | Instr::LocalGet(_)
                | Instr::LocalSet(_)
                | Instr::LocalTee(_)
                | Instr::GlobalGet(_)
                | Instr::Binop(_)
                | Instr::Unop(_)
                | Instr::Select(_)
                | Instr::Load(_)
        )
    };
    while instrs.pop_if(|(instr, _)| has_no_effect(instr)).is_some() {}
    instrs.push((ir::Unreachable {}.into(), ir::InstrLocId::default()));
}

/// Whether a function traps before it does anything.
fn only_traps(function: &LocalFunction) -> bool {
    matches!(function.block(function.entry_block()).instrs.first(), Some((Instr::Unreachable(_), _)))
}

fn sequences(function: &LocalFunction) -> Vec<InstrSeqId> {
    struct All(Vec<InstrSeqId>);

    impl<'instr> Visitor<'instr> for All {
        fn start_instr_seq(&mut self, sequence: &'instr InstrSeq) {
            self.0.push(sequence.id());
        }
    }

    let mut all = All(Vec::new());
    ir::dfs_in_order(&mut all, function, function.entry_block());
    all.0
}

/// Puts zeros in place of `core::panic::Location`s and the paths that they point to: of whoever
/// builds the package, too.
fn drop_places(module: &mut Module) {
    let segments: Vec<_> = module.data.iter().map(walrus::Data::id).collect();
    for id in segments {
        let data = module.data.get_mut(id);
        let DataKind::Active { offset: ConstExpr::Value(Value::I32(start)), .. } = data.kind else {
            continue;
        };
        let mut paths = Vec::new();
        let start = start.cast_unsigned();
        let aligned = (start.next_multiple_of(4) - start) as usize;
        for at in (aligned..data.value.len()).step_by(4) {
            if let Some(path) = path_at(&data.value, at, start) {
                data.value[at..at + LOCATION_LEN].fill(0);
                paths.push(path);
            }
        }
        for path in paths {
            data.value[path].fill(0);
        }
    }
}

/// Of a `core::panic::Location`: address and length of the path, line, column.
const LOCATION_LEN: usize = 16;

/// Where the path lies to which a location points, if there is one at this place of a segment that
/// begins at the address `start`.
fn path_at(data: &[u8], at: usize, start: u32) -> Option<Range<usize>> {
    let mut words = data.get(at..at + LOCATION_LEN)?.chunks_exact(4);
    let mut word = || words.next()?.try_into().ok().map(u32::from_le_bytes);
    let (address, len, line, column) = (word()?, word()?, word()?, word()?);
    let from = usize::try_from(address.checked_sub(start)?).ok()?;
    let path = from..from.checked_add(usize::try_from(len).ok()?)?;
    let text = data.get(path.clone())?;
    let is_path = text.strip_suffix(b".rs").is_some_and(|name| name.iter().all(u8::is_ascii_graphic));
    (is_path && (1..100_000).contains(&line) && (1..1000).contains(&column)).then_some(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use walrus::Module;

    use super::{drop, sequences};

    fn module(rest: &str) -> Module {
        let text = format!(
            r#"(module (memory 1)
                (func $_ZN4core9panicking5panic17h00E (param i32 i32) (drop (i32.const 99)) unreachable)
                (func $fails (param i32) (call $_ZN4core9panicking5panic17h00E (i32.const 7) (local.get 0)) unreachable)
                {rest})"#
        );
        Module::from_buffer(&wat::parse_str(text).unwrap()).unwrap()
    }

    /// How many instructions an exported function has, its blocks' included.
    fn len(module: &Module, name: &str) -> usize {
        let function = module.funcs.get(module.exports.get_func(name).unwrap()).kind.unwrap_local();
        sequences(function).into_iter().map(|id| function.block(id).instrs.len()).sum()
    }

    #[test]
    fn what_panics_traps_and_nothing_else() {
        let mut module = module(
            r#"(func (export "panics") (param i32)
                    (if (local.get 0) (then
                        (i32.store (i32.const 1) (i32.const 2))
                        (call $fails (i32.load (i32.const 3)))
                        unreachable)))
                (func $works (export "works") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
                (func (export "calls") (result i32) (call $works (i32.const 3)))"#,
        );
        let lens = |module: &Module| ["panics", "works", "calls"].map(|name| len(module, name));
        assert_eq!(lens(&module), [9, 3, 2]);
        drop(&mut module).unwrap();
        // What was stored stays.
        assert_eq!(lens(&module), [6, 3, 2]);
        walrus::passes::gc::run(&mut module);
        assert_eq!(module.funcs.iter_local().count(), 3);
    }

    #[test]
    fn a_module_that_formats_text_is_refused() {
        let mut module = module(
            r#"(func $_ZN4core3fmt5write17h00E (param i32) (result i32) (i32.const 0))
                (func $writes (export "writes") (drop (call $_ZN4core3fmt5write17h00E (i32.const 1))))"#,
        );
        let error = drop(&mut module).unwrap_err().to_string();
        assert!(error.contains("writes") && error.contains("5write"), "{error}");
    }

    #[test]
    fn places_in_the_source_are_gone() {
        // A path, other text, and three times a length with a place in it: only the second is a
        // location.
        let mut module = module(
            r#"(data (i32.const 1026) "/home/me/a.rsother text   \02\04\00\00\0d\00\00\00\00\00\00\00\01\00\00\00\02\04\00\00\0d\00\00\00\63\00\00\00\02\00\00\00\0f\04\00\00\0a\00\00\00\01\00\00\00\01\00\00\00")"#,
        );
        let data = |module: &Module| module.data.iter().next().unwrap().value.clone();
        let before = data(&module);
        drop(&mut module).unwrap();
        let after = data(&module);
        assert_eq!(after[..13], [0; 13]);
        assert_eq!(after[13..42], before[13..42]);
        assert_eq!(after[42..58], [0; 16]);
        assert_eq!(after[58..], before[58..]);
    }
}
