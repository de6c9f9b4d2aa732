//! Runs functions, and records what depends on secrets.

use std::{collections::HashMap, rc::Rc};

use wasmparser::{BlockType, MemArg, Operator};

use crate::{
    Trap, float,
    memory::Memory,
    module::{Instruction, Malformed, Module},
    numeric,
    shape::Shape,
    simd,
    value::Value,
};

/// What depended on a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// The next instruction.
    Branch,
    /// The address of a read.
    Load,
    /// The address of a write.
    Store,
    /// The called function.
    Call,
    /// The length or address of a copy, a fill or a growth.
    Bulk,
    /// An operand of a division, whose duration depends on it.
    Division,
    /// An operand of floating-point arithmetic, whose duration depends on it.
    Float,
}

/// One dependency on a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What depended on it.
    pub kind: Kind,
    /// Number of the function.
    pub function: u32,
    /// Offset in the module's file.
    pub offset: usize,
}

/// A function of the host: it gets access to memory, and the arguments.
pub type Host = Box<dyn FnMut(&mut Door<'_>, &[u64]) -> Vec<u64>>;

/// Access to linear memory.
#[derive(Debug)]
pub struct Door<'m>(&'m mut Memory);

impl Door<'_> {
    /// Writes bytes, secret or not.
    ///
    /// # Errors
    /// [`Trap::OutOfBounds`]
    pub fn write(&mut self, at: u64, bytes: &[u8], is_secret: bool) -> Result<(), Trap> {
        self.0.write(address(at.into())?, bytes, is_secret)
    }
}

/// An instantiated module.
pub struct Machine<'m> {
    module: Module<'m>,
    memory: Memory,
    globals: Vec<Value>,
    hosts: HashMap<String, Host>,
    /// Reports that have not been taken.
    reports: Vec<Report>,
    executed: u64,
}

impl core::fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Machine").field("executed", &self.executed).finish_non_exhaustive()
    }
}

/// Where control continues after an instruction.
enum Next {
    Following,
    Branch(u32),
    Return,
}

/// An open block.
struct Label {
    /// Where a branch to it continues.
    target: usize,
    /// Number of values that a branch keeps.
    arity: usize,
    /// Height of the stack below those values.
    height: usize,
    is_loop: bool,
}

struct Frame {
    stack: Vec<Value>,
    locals: Vec<Value>,
    labels: Vec<Label>,
    function: u32,
    offset: usize,
}

impl Frame {
    fn pop(&mut self) -> Result<Value, Trap> {
        self.stack.pop().ok_or(Trap::Invalid)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }
}

impl<'m> Machine<'m> {
    /// Creates one. Host functions are keyed by a prefix of their import names, because
    /// wasm-bindgen adds a hash.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn new(bytes: &'m [u8], hosts: HashMap<String, Host>) -> Result<Self, Malformed> {
        let module = Module::parse(bytes)?;
        let mut memory = Memory::new(module.memory.0, module.memory.1);
        for (at, data) in &module.data {
            memory.write(*at, data, false).map_err(|trap| Malformed(format!("{trap:?}")))?;
        }
        let globals = module.globals.clone();
        Ok(Self { module, memory, globals, hosts, reports: Vec::new(), executed: 0 })
    }

    /// Calls an exported function.
    ///
    /// # Errors
    /// [`Trap`], as in a browser's engine, and for unsupported instructions.
    pub fn call(&mut self, name: &str, arguments: &[u64]) -> Result<Vec<u64>, Trap> {
        let function = *self.module.exports.get(name).ok_or(Trap::NotExported)?;
        let arguments = arguments.iter().map(|&argument| Value::public(argument.into())).collect();
        let results = self.run(function, arguments, 0)?;
        Ok(results.iter().map(|result| low(result.bits)).collect())
    }

    /// The reports since the last call.
    pub fn take_reports(&mut self) -> Vec<Report> {
        core::mem::take(&mut self.reports)
    }

    /// Instructions so far.
    #[must_use]
    pub const fn executed(&self) -> u64 {
        self.executed
    }

    /// Access to its memory.
    pub const fn door(&mut self) -> Door<'_> {
        Door(&mut self.memory)
    }

    /// Declares these bytes public, such as a public key or a message that was sent: wherever 16 of
    /// them occur in memory, they are no longer secret, although they were derived from a secret.
    pub fn publish(&mut self, seen: &[u8]) {
        self.memory.publish(seen);
    }

    /// Bytes of memory, and whether they depend on a secret.
    ///
    /// # Errors
    /// [`Trap::OutOfBounds`]
    pub fn read(&self, at: u64, len: u64) -> Result<(Vec<u8>, bool), Trap> {
        self.memory.read(address(at.into())?, address(len.into())?)
    }

    fn run(&mut self, function: u32, arguments: Vec<Value>, depth: u32) -> Result<Vec<Value>, Trap> {
        const DEEPEST: u32 = 400;
        if depth > DEEPEST {
            return Err(Trap::TooDeep);
        }
        let number = function as usize;
        let of = self.module.types.get(self.module.functions[number] as usize).ok_or(Trap::Invalid)?;
        let results = of.results().len();
        if let Some(&name) = self.module.imports.get(number) {
            let host = self.hosts.iter_mut().find(|(start, _)| name.starts_with(start.as_str()));
            let (_, host) = host.ok_or_else(|| Trap::NotImported(name.into()))?;
            let arguments: Vec<u64> = arguments.iter().map(|value| low(value.bits)).collect();
            let given = host(&mut Door(&mut self.memory), &arguments);
            return Ok(given.into_iter().map(|value| Value::public(value.into())).collect());
        }
        let at = number - self.module.imports.len();
        let body = Rc::clone(&self.module.bodies[at]);
        let (locals, end) = (body.locals, body.code.len() - 1);
        let mut frame =
            Frame { stack: Vec::new(), locals: arguments, labels: Vec::new(), function, offset: 0 };
        frame.locals.resize(frame.locals.len() + locals, Value::default());
        frame.labels.push(Label { target: end, arity: results, height: 0, is_loop: false });
        let mut pc = 0;
        while pc <= end {
            self.executed += 1;
            let instruction = &body.code[pc];
            frame.offset = instruction.offset;
            match self.step(&mut frame, instruction, pc, depth)? {
                (Next::Following, next) => pc = next,
                (Next::Branch(by), _) => {
                    let to = frame.labels.len().checked_sub(by as usize + 1).ok_or(Trap::Invalid)?;
                    let label = &frame.labels[to];
                    let kept = frame.stack.len() - label.arity;
                    frame.stack.drain(label.height..kept);
                    pc = label.target;
                    // The `end` of a block closes it; a branch to the start of a loop leaves it
                    // open.
                    let open = if label.is_loop { to + 1 } else { to };
                    frame.labels.truncate(open);
                    if open == 0 {
                        break;
                    }
                    pc += 1;
                }
                (Next::Return, _) => {
                    let kept = frame.stack.len() - results;
                    frame.stack.drain(..kept);
                    break;
                }
            }
        }
        Ok(frame.stack)
    }

    /// Executes one instruction; returns where the next one is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "wasmparser's: arithmetic is elsewhere")]
    fn step(
        &mut self,
        frame: &mut Frame,
        instruction: &Instruction<'m>,
        pc: usize,
        depth: u32,
    ) -> Result<(Next, usize), Trap> {
        let &Instruction { end, otherwise, .. } = instruction;
        let mut next = pc + 1;
        match &instruction.operator {
            Operator::Nop => {}
            Operator::Unreachable => return Err(Trap::Unreachable),
            Operator::Block { blockty } => self.open(frame, *blockty, end, false),
            Operator::Loop { blockty } => self.open(frame, *blockty, pc, true),
            Operator::If { blockty } => {
                let condition = self.decide(frame, Kind::Branch)?;
                self.open(frame, *blockty, end, false);
                if condition.bits == 0 {
                    next = if otherwise == end { end } else { otherwise + 1 };
                }
            }
            // The first half of an `if` ends here.
            Operator::Else => next = end,
            Operator::End => {
                frame.labels.pop();
            }
            Operator::Br { relative_depth } => return Ok((Next::Branch(*relative_depth), 0)),
            Operator::BrIf { relative_depth } => {
                if self.decide(frame, Kind::Branch)?.bits != 0 {
                    return Ok((Next::Branch(*relative_depth), 0));
                }
            }
            Operator::BrTable { targets } => {
                let chosen = self.decide(frame, Kind::Branch)?.bits;
                let by_number = targets.targets().nth(address(chosen)?);
                let to = by_number
                    .transpose()
                    .map_err(|_| Trap::Invalid)?
                    .unwrap_or_else(|| targets.default());
                return Ok((Next::Branch(to), 0));
            }
            Operator::Return => return Ok((Next::Return, 0)),
            Operator::Call { function_index } => self.enter(frame, *function_index, depth)?,
            Operator::CallIndirect { table_index, .. } => {
                let chosen = self.decide(frame, Kind::Call)?.bits;
                let table = self.module.tables.get(*table_index as usize).ok_or(Trap::Invalid)?;
                let function =
                    table.get(address(chosen)?).copied().flatten().ok_or(Trap::OutOfBounds)?;
                self.enter(frame, function, depth)?;
            }
            Operator::Drop => drop(frame.pop()?),
            Operator::Select | Operator::TypedSelect { .. } => {
                let (condition, second, first) = (frame.pop()?, frame.pop()?, frame.pop()?);
                let mut chosen = if condition.bits == 0 { second } else { first };
                if condition.is_secret() {
                    chosen.secret |= first.secret | second.secret | first.bits ^ second.bits;
                }
                frame.push(chosen);
            }
            Operator::LocalGet { local_index } => {
                let value = *local(frame, *local_index)?;
                frame.push(value);
            }
            Operator::LocalSet { local_index } => {
                let value = frame.pop()?;
                *local(frame, *local_index)? = value;
            }
            Operator::LocalTee { local_index } => {
                let value = *frame.stack.last().ok_or(Trap::Invalid)?;
                *local(frame, *local_index)? = value;
            }
            Operator::GlobalGet { global_index } => {
                frame.push(*self.globals.get(*global_index as usize).ok_or(Trap::Invalid)?);
            }
            Operator::GlobalSet { global_index } => {
                *self.globals.get_mut(*global_index as usize).ok_or(Trap::Invalid)? = frame.pop()?;
            }
            Operator::MemorySize { .. } => frame.push(Value::public(self.memory.pages() as u128)),
            Operator::MemoryGrow { .. } => {
                let by = address(self.decide(frame, Kind::Bulk)?.bits)?;
                let before = self.memory.grow(by).map_or(u128::from(u32::MAX), |pages| pages as u128);
                frame.push(Value::public(before));
            }
            Operator::MemoryCopy { .. } => {
                let [to, from, len] = self.bulk(frame)?;
                self.memory.copy(address(to.bits)?, address(from.bits)?, address(len.bits)?)?;
            }
            Operator::MemoryFill { .. } => {
                let len = self.decide(frame, Kind::Bulk)?;
                let byte = frame.pop()?.cut(8);
                let to = self.decide(frame, Kind::Bulk)?;
                self.memory.fill(address(to.bits)?, address(len.bits)?, byte)?;
            }
            Operator::RefNull { .. } => frame.push(Value::public(NULL)),
            Operator::TableSize { table } => {
                let table = self.module.tables.get(*table as usize).ok_or(Trap::Invalid)?;
                frame.push(Value::public(table.len() as u128));
            }
            Operator::TableGrow { table } => {
                let by = address(self.decide(frame, Kind::Bulk)?.bits)?;
                let entry = entry(frame.pop()?)?;
                let table = self.module.tables.get_mut(*table as usize).ok_or(Trap::Invalid)?;
                frame.push(Value::public(table.len() as u128));
                table.resize(table.len() + by, entry);
            }
            Operator::TableGet { table } => {
                let at = address(self.decide(frame, Kind::Load)?.bits)?;
                let table = self.module.tables.get(*table as usize).ok_or(Trap::Invalid)?;
                let entry = table.get(at).ok_or(Trap::OutOfBounds)?;
                frame.push(Value::public(entry.map_or(NULL, u128::from)));
            }
            Operator::TableSet { table } => {
                let entry = entry(frame.pop()?)?;
                let at = address(self.decide(frame, Kind::Store)?.bits)?;
                let table = self.module.tables.get_mut(*table as usize).ok_or(Trap::Invalid)?;
                *table.get_mut(at).ok_or(Trap::OutOfBounds)? = entry;
            }
            operator => self.compute(frame, operator, instruction.shape)?,
        }
        Ok((Next::Following, next))
    }

    fn open(&self, frame: &mut Frame, of: BlockType, target: usize, is_loop: bool) {
        let (taken, given) = self.module.arity(of);
        let arity = if is_loop { taken } else { given };
        frame.labels.push(Label { target, arity, height: frame.stack.len() - taken, is_loop });
    }

    fn enter(&mut self, frame: &mut Frame, function: u32, depth: u32) -> Result<(), Trap> {
        let of = self.module.functions.get(function as usize).ok_or(Trap::Invalid)?;
        let taken = self.module.types[*of as usize].params().len();
        let arguments =
            frame.stack.split_off(frame.stack.len().checked_sub(taken).ok_or(Trap::Invalid)?);
        let results = self.run(function, arguments, depth + 1)?;
        frame.stack.extend(results);
        Ok(())
    }

    /// Instructions that take values and return one, and memory accesses.
    fn compute(
        &mut self,
        frame: &mut Frame,
        operator: &Operator<'m>,
        shape: Shape,
    ) -> Result<(), Trap> {
        let value = match shape {
            Shape::Constant(value) => Some(value),
            Shape::Load(load) => {
                let (_, argument) = numeric::load(operator).ok_or(Trap::Invalid)?;
                let at = self.place(frame, argument, Kind::Load)?;
                let value = self.memory.load(at, load.bytes)?;
                Some(if load.is_signed {
                    numeric::extend(value, 8 * width(load.bytes), load.width)
                } else {
                    value
                })
            }
            Shape::Store(bytes) => {
                let (_, argument) = numeric::store(operator).ok_or(Trap::Invalid)?;
                let value = frame.pop()?;
                let at = self.place(frame, argument, Kind::Store)?;
                return self.memory.store(at, bytes, value);
            }
            Shape::StoreLane(lane, bytes) => {
                let (argument, ..) = simd::lane_access(operator).ok_or(Trap::Invalid)?;
                let vector = frame.pop()?;
                let at = self.place(frame, argument, Kind::Store)?;
                return self.memory.store(at, bytes, vector.lane(lane, 8 * width(bytes)));
            }
            Shape::LoadLane(lane, bytes) => {
                let (argument, ..) = simd::lane_access(operator).ok_or(Trap::Invalid)?;
                let vector = frame.pop()?;
                let at = self.place(frame, argument, Kind::Load)?;
                let loaded = self.memory.load(at, bytes)?;
                let of = 8 * width(bytes);
                let lane = |at: u32| if at == lane { loaded } else { vector.lane(at, of) };
                Some(Value::lanes(of, lane))
            }
            Shape::Spread(bytes, spread) => {
                let (argument, ..) = simd::load(operator).ok_or(Trap::Invalid)?;
                let at = self.place(frame, argument, Kind::Load)?;
                Some(spread(self.memory.load(at, bytes)?))
            }
            Shape::Unary => numeric::unary(operator, frame.pop()?),
            Shape::Binary => {
                let (y, x) = (frame.pop()?, frame.pop()?);
                let value = numeric::binary(operator, x, y)?;
                if numeric::divides(operator) {
                    self.note(frame, &[x, y], Kind::Division);
                }
                value
            }
            Shape::VectorUnary => simd::unary(operator, frame.pop()?),
            Shape::VectorBinary => {
                let (y, x) = (frame.pop()?, frame.pop()?);
                simd::binary(operator, x, y)
            }
            Shape::VectorTernary => {
                let (z, y, x) = (frame.pop()?, frame.pop()?, frame.pop()?);
                simd::ternary(operator, x, y, z)
            }
            Shape::FloatUnary => {
                let x = frame.pop()?;
                self.note(frame, &[x], Kind::Float);
                float::unary(operator, x)
            }
            Shape::FloatBinary => {
                let (y, x) = (frame.pop()?, frame.pop()?);
                self.note(frame, &[x, y], Kind::Float);
                float::binary(operator, x, y)
            }
            Shape::Other => None,
        };
        frame.push(value.ok_or_else(|| Trap::Unknown(format!("{operator:?}")))?);
        Ok(())
    }

    /// Records operands that affect the duration of an instruction.
    fn note(&mut self, frame: &Frame, operands: &[Value], kind: Kind) {
        if operands.iter().any(|operand| operand.is_secret()) {
            self.report(frame, kind);
        }
    }

    /// Pops a value that decides something.
    fn decide(&mut self, frame: &mut Frame, kind: Kind) -> Result<Value, Trap> {
        let value = frame.pop()?;
        if value.is_secret() {
            self.report(frame, kind);
        }
        Ok(value)
    }

    /// Pops the operands of a copy: destination, source and length.
    fn bulk(&mut self, frame: &mut Frame) -> Result<[Value; 3], Trap> {
        let len = self.decide(frame, Kind::Bulk)?;
        let from = self.decide(frame, Kind::Bulk)?;
        let to = self.decide(frame, Kind::Bulk)?;
        Ok([to, from, len])
    }

    fn place(&mut self, frame: &mut Frame, argument: &MemArg, kind: Kind) -> Result<usize, Trap> {
        let base = self.decide(frame, kind)?;
        address(base.bits + u128::from(argument.offset))
    }

    fn report(&mut self, frame: &Frame, kind: Kind) {
        self.reports.push(Report { kind, function: frame.function, offset: frame.offset });
    }
}

/// The null reference; others are numbers of 32 bits.
const NULL: u128 = u128::MAX;

/// A reference as a table's entry.
fn entry(value: Value) -> Result<Option<u32>, Trap> {
    let number = (value.bits != NULL).then(|| u32::try_from(value.bits));
    number.transpose().map_err(|_| Trap::Invalid)
}

fn local(frame: &mut Frame, number: u32) -> Result<&mut Value, Trap> {
    frame.locals.get_mut(number as usize).ok_or(Trap::Invalid)
}

fn address(number: u128) -> Result<usize, Trap> {
    usize::try_from(number).map_err(|_| Trap::OutOfBounds)
}

#[expect(clippy::cast_possible_truncation, reason = "what a host sees has 64 bits")]
const fn low(bits: u128) -> u64 {
    bits as u64
}

#[expect(clippy::cast_possible_truncation, reason = "at most 16")]
const fn width(bytes: usize) -> u32 {
    bytes as u32
}
