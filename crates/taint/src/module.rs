//! A parsed module.

use std::{collections::HashMap, rc::Rc};

use wasmparser::{
    BlockType, DataKind, ElementItems, ElementKind, Export, ExternalKind, FuncType, Operator, Parser,
    Payload, TypeRef,
};

use crate::{shape::Shape, value::Value};

/// Why a module could not be parsed.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a text for the reader of a failed test")]
pub struct Malformed(pub String);

impl<E: core::error::Error> From<E> for Malformed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) struct Module<'m> {
    pub(crate) types: Vec<FuncType>,
    /// Type by function number.
    pub(crate) functions: Vec<u32>,
    /// Names of the imported functions, which come first.
    pub(crate) imports: Vec<&'m str>,
    /// The others, which follow them.
    pub(crate) bodies: Vec<Rc<Body<'m>>>,
    pub(crate) globals: Vec<Value>,
    pub(crate) tables: Vec<Vec<Option<u32>>>,
    /// Initial and maximum number of pages.
    pub(crate) memory: (usize, usize),
    pub(crate) data: Vec<(usize, &'m [u8])>,
    pub(crate) exports: HashMap<&'m str, u32>,
}

pub(crate) struct Body<'m> {
    /// Locals after the parameters; all start as 0.
    pub(crate) locals: usize,
    pub(crate) code: Vec<Instruction<'m>>,
}

pub(crate) struct Instruction<'m> {
    pub(crate) operator: Operator<'m>,
    pub(crate) shape: Shape,
    /// Offset in the file.
    pub(crate) offset: usize,
    /// For a block, a loop or an `if`: its `end`; for an `if` also its `else`, or its `end` again.
    pub(crate) end: usize,
    pub(crate) otherwise: usize,
}

impl<'m> Module<'m> {
    pub(crate) fn parse(bytes: &'m [u8]) -> Result<Self, Malformed> {
        let mut module = Module {
            types: Vec::new(),
            functions: Vec::new(),
            imports: Vec::new(),
            bodies: Vec::new(),
            globals: Vec::new(),
            tables: Vec::new(),
            memory: (0, 0),
            data: Vec::new(),
            exports: HashMap::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            module.take(payload?)?;
        }
        Ok(module)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's: only a part of a module is run")]
    fn take(&mut self, payload: Payload<'m>) -> Result<(), Malformed> {
        match payload {
            Payload::TypeSection(types) => {
                for of in types.into_iter_err_on_gc_types() {
                    self.types.push(of?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    let TypeRef::Func(of) = import.ty else {
                        return Err(Malformed(format!(
                            "{} is imported and is not a function",
                            import.name
                        )));
                    };
                    self.imports.push(import.name);
                    self.functions.push(of);
                }
            }
            Payload::FunctionSection(functions) => {
                for of in functions {
                    self.functions.push(of?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables.push(vec![None; usize::try_from(table?.ty.initial)?]);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    let memory = memory?;
                    let most = memory.maximum.unwrap_or(1 << 14).min(1 << 14);
                    self.memory = (usize::try_from(memory.initial)?, usize::try_from(most)?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let value = constant(&mut global?.init_expr.get_operators_reader())?;
                    self.globals.push(value);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let Export { name, kind, index } = export?;
                    if kind == ExternalKind::Func {
                        self.exports.insert(name, index);
                    }
                }
            }
            Payload::ElementSection(elements) => {
                for element in elements {
                    let element = element?;
                    let ElementKind::Active { table_index, offset_expr } = element.kind else {
                        continue;
                    };
                    let ElementItems::Functions(functions) = element.items else {
                        return Err(Malformed("a table of other values than functions".into()));
                    };
                    let start =
                        usize::try_from(constant(&mut offset_expr.get_operators_reader())?.bits)?;
                    let table = self.tables.get_mut(table_index.unwrap_or(0) as usize);
                    let table = table.ok_or_else(|| Malformed("no such table".into()))?;
                    for (place, function) in functions.into_iter().enumerate() {
                        let entry = table
                            .get_mut(start + place)
                            .ok_or_else(|| Malformed("table too short".into()))?;
                        *entry = Some(function?);
                    }
                }
            }
            Payload::DataSection(data) => {
                for data in data {
                    let data = data?;
                    if let DataKind::Active { offset_expr, .. } = data.kind {
                        let at = constant(&mut offset_expr.get_operators_reader())?.bits;
                        self.data.push((usize::try_from(at)?, data.data));
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut locals = 0;
                for of in body.get_locals_reader()? {
                    locals += of?.0 as usize;
                }
                let mut code = Vec::new();
                let mut open = Vec::new();
                for operator in body.get_operators_reader()?.into_iter_with_offsets() {
                    let (operator, offset) = operator?;
                    let here = code.len();
                    match operator {
                        Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                            open.push(here)
                        }
                        Operator::Else => set(&mut code, open.last(), |of| of.otherwise = here),
                        Operator::End => {
                            set(&mut code, open.pop().as_ref(), |of| {
                                of.end = here;
                                if of.otherwise == 0 {
                                    of.otherwise = here;
                                }
                            });
                        }
                        _ => {}
                    }
                    let shape = Shape::of(&operator);
                    code.push(Instruction { operator, shape, offset, end: 0, otherwise: 0 });
                }
                // An `else` that is reached ends its `if`.
                for at in 0..code.len() {
                    if let Operator::If { .. } = code[at].operator {
                        let (end, otherwise) = (code[at].end, code[at].otherwise);
                        code[otherwise].end = end;
                    }
                }
                self.bodies.push(Rc::new(Body { locals, code }));
            }
            _ => {}
        }
        Ok(())
    }

    /// Number of values that a block takes and returns.
    pub(crate) fn arity(&self, of: BlockType) -> (usize, usize) {
        match of {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(number) => {
                let of = &self.types[number as usize];
                (of.params().len(), of.results().len())
            }
        }
    }
}

fn set(code: &mut [Instruction<'_>], at: Option<&usize>, change: impl FnOnce(&mut Instruction<'_>)) {
    if let Some(&at) = at {
        change(&mut code[at]);
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "wasmparser's: unsupported instructions are rejected"
)]
fn constant(operators: &mut wasmparser::OperatorsReader<'_>) -> Result<Value, Malformed> {
    Ok(Value::public(match operators.read()? {
        Operator::I32Const { value } => u128::from(value.cast_unsigned()),
        Operator::I64Const { value } => u128::from(value.cast_unsigned()),
        Operator::V128Const { value } => u128::from_le_bytes(*value.bytes()),
        Operator::RefNull { .. } => 0,
        other => return Err(Malformed(format!("{other:?} in a constant"))),
    }))
}
