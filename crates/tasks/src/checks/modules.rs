//! Reads Rust files for their modules, what these define and what they take from each other.
//!
//! A simple reader, not a compiler: it follows `use` declarations, re-exports and paths that begin
//! with `crate`, `super`, `self` or a child module. Macros and what only tests use are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    lexer,
    tree::{File, Tree, join},
};

/// From one file to another, both by their paths in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) line: usize,
}

/// The imports between the files of one crate, whose root is `lib.rs` or `main.rs` in `folder`.
pub(super) fn imports(tree: &Tree, root: &File) -> Vec<Import> {
    let mut program = Program { modules: Vec::new() };
    program.add(tree, root, &[]);
    let mut imports = BTreeSet::new();
    for (at, module) in program.modules.iter().enumerate() {
        for (path, line) in &module.references {
            let to = program.file_of(at, path).filter(|to| *to != module.file);
            imports.extend(to.map(|to| Import { from: module.file.clone(), to, line: *line }));
        }
    }
    imports.into_iter().collect()
}

type Path = Vec<String>;

#[derive(Default)]
struct Module {
    path: Path,
    file: String,
    definitions: BTreeSet<String>,
    /// What a name stands for here.
    uses: BTreeMap<String, Path>,
    globs: Vec<Path>,
    references: Vec<(Path, usize)>,
}

struct Program {
    modules: Vec<Module>,
}

enum Found {
    Module(usize),
    File(String),
    /// In another crate.
    Outside,
}

impl Program {
    fn add(&mut self, tree: &Tree, file: &File, path: &[String]) {
        let tokens = tokens(file);
        let mut reader =
            Reader { tokens: &tokens, at: 0, file: &file.path, out: Vec::new(), declared: vec![] };
        reader.module(path.to_vec());
        let Reader { out, declared, .. } = reader;
        self.modules.extend(out);
        for child in declared {
            if let Some(file) = child_file(tree, file, path, &child) {
                self.add(tree, file, &child);
            }
        }
    }

    fn module(&self, path: &[String]) -> Option<usize> {
        self.modules.iter().position(|module| module.path == path)
    }

    fn child(&self, of: usize, name: &str) -> Option<usize> {
        let mut path = self.modules[of].path.clone();
        path.push(name.to_owned());
        self.module(&path)
    }

    fn file_of(&self, from: usize, path: &[String]) -> Option<String> {
        match self.resolve(from, path, 0) {
            Found::Module(at) => Some(self.modules[at].file.clone()),
            Found::File(file) => Some(file),
            Found::Outside => None,
        }
    }

    /// Where a path leads from a module.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Found {
        // Re-exports may go round in circles.
        let Some((first, mut rest)) = path.split_first().filter(|_| depth < 16) else {
            return Found::Outside;
        };
        let begin = match first.as_str() {
            "crate" => self.module(&[]).map(Found::Module),
            "self" => Some(Found::Module(from)),
            "super" => self.parent(from).map(Found::Module),
            name => self.child(from, name).map(Found::Module).or_else(|| {
                // `use a;` says nothing of what `a` is.
                let path = self.modules[from].uses.get(name).filter(|path| *path != &[name])?;
                Some(self.resolve(from, path, depth + 1))
            }),
        };
        let Some(Found::Module(mut at)) = begin else { return begin.unwrap_or(Found::Outside) };
        while let Some((name, behind)) = rest.split_first() {
            if name == "super" {
                let Some(parent) = self.parent(at) else { return Found::Outside };
                at = parent;
            } else {
                match self.lookup(at, name, depth + 1) {
                    Some(Found::Module(next)) => at = next,
                    Some(end @ (Found::File(_) | Found::Outside)) => return end,
                    None => return Found::File(self.modules[at].file.clone()),
                }
            }
            rest = behind;
        }
        Found::Module(at)
    }

    fn parent(&self, of: usize) -> Option<usize> {
        let (_, parent) = self.modules[of].path.split_last()?;
        self.module(parent)
    }

    /// What a name is in a module, if the module says so.
    fn lookup(&self, at: usize, name: &str, depth: usize) -> Option<Found> {
        let module = &self.modules[at];
        if let Some(child) = self.child(at, name) {
            return Some(Found::Module(child));
        }
        if module.definitions.contains(name) {
            return Some(Found::File(module.file.clone()));
        }
        if let Some(path) = module.uses.get(name) {
            return Some(self.resolve(at, path, depth + 1));
        }
        module.globs.iter().find_map(|glob| match self.resolve(at, glob, depth + 1) {
            Found::Module(target) if target != at && depth < 16 => self.lookup(target, name, depth + 1),
            Found::Outside => Some(Found::Outside),
            Found::Module(_) | Found::File(_) => None,
        })
    }
}

/// The file of a declared module, if it is in the tree.
fn child_file<'a>(tree: &'a Tree, of: &File, path: &[String], child: &[String]) -> Option<&'a File> {
    let name = of.path.rsplit('/').next().unwrap_or_default();
    let mut folder = of.folder().to_owned();
    if !["lib.rs", "main.rs", "mod.rs"].contains(&name) {
        folder = format!("{folder}/{}", name.trim_end_matches(".rs"));
    }
    let inner = child.get(path.len()..)?.join("/");
    if let Some(file) = elsewhere(of, &inner).and_then(|path| join(of.folder(), path)) {
        return tree.get(&file);
    }
    let [flat, nested] = [format!("{folder}/{inner}.rs"), format!("{folder}/{inner}/mod.rs")];
    tree.get(&flat).or_else(|| tree.get(&nested))
}

/// The path that an attribute before the declaration of this module gives.
fn elsewhere<'f>(of: &'f File, name: &str) -> Option<&'f str> {
    let declarations = [format!("mod {name};"), format!("pub(crate) mod {name};")];
    let mut lines = of.text.lines().map(str::trim).zip(of.text.lines().skip(1).map(str::trim));
    let (attribute, _) = lines.find(|(before, line)| {
        before.starts_with("#[path = ") && declarations.iter().any(|it| it == line)
    })?;
    attribute.strip_prefix("#[path = \"")?.strip_suffix("\"]")
}

struct Token {
    text: String,
    line: usize,
}

fn tokens(file: &File) -> Vec<Token> {
    let mut tokens = Vec::new();
    for line in lexer::lines(file) {
        let mut rest = line.bare.as_str();
        while let Some(first) = rest.chars().next() {
            let is_word = |char: char| char.is_alphanumeric() || char == '_';
            let length = if is_word(first) {
                rest.find(|char| !is_word(char)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (text, behind) = rest.split_at(length);
            if !first.is_whitespace() {
                tokens.push(Token { text: text.to_owned(), line: line.number });
            }
            rest = behind;
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    file: &'a str,
    out: Vec<Module>,
    /// Modules in files of their own.
    declared: Vec<Path>,
}

impl Reader<'_> {
    fn text(&self, offset: usize) -> &str {
        self.tokens.get(self.at + offset).map_or("", |token| token.text.as_str())
    }

    fn is_word(&self, offset: usize) -> bool {
        self.text(offset).starts_with(|char: char| char.is_alphabetic() || char == '_')
    }

    /// Reads a module up to the brace that closes it, or to the end.
    fn module(&mut self, path: Path) {
        let mut module = Module { path, file: self.file.to_owned(), ..Module::default() };
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "{" => depth += 1,
                "#" if self.is_for_tests() => {
                    self.skip_item();
                    continue;
                }
                "#" => {
                    self.skip_attribute();
                    continue;
                }
                "pub" if self.text(1) == "(" => {
                    while self.at < self.tokens.len() && self.text(0) != ")" {
                        self.at += 1;
                    }
                }
                "mod" if self.is_word(1) && [";", "{"].contains(&self.text(2)) => {
                    let mut child = module.path.clone();
                    child.push(self.text(1).to_owned());
                    let is_inline = self.text(2) == "{";
                    self.at += 3;
                    if is_inline {
                        self.module(child);
                    } else {
                        self.declared.push(child);
                        continue;
                    }
                }
                "use" => {
                    let before = self.at.checked_sub(1).map(|at| self.tokens[at].text.as_str());
                    // `pub use` shows what a file has parts for; the file itself need not use it.
                    let is_shown = before.is_some_and(|before| ["pub", ")"].contains(&before));
                    let known = module.references.len();
                    self.at += 1;
                    self.use_tree(&mut module, &[]);
                    if is_shown {
                        module.references.truncate(known);
                    }
                    continue;
                }
                "fn" | "struct" | "enum" | "trait" | "const" | "static" | "type" | "union"
                    if depth == 0 && self.is_word(1) =>
                {
                    module.definitions.insert(self.text(1).to_owned());
                }
                "macro_rules" => {
                    module.definitions.insert(self.text(2).to_owned());
                }
                _ if self.is_word(0) && self.text(1) == "::" && !self.follows_a_path() => {
                    self.reference(&mut module);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.out.push(module);
    }

    fn follows_a_path(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].text.as_str());
        before == Some("::")
    }

    /// A path in code: `a::b::c`.
    fn reference(&mut self, module: &mut Module) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && self.is_word(1) {
            path.push(self.text(1).to_owned());
            self.at += 2;
        }
        module.references.push((path, line));
    }

    /// What follows `use`, or a comma or an opening brace in it; ends after the `;`.
    fn use_tree(&mut self, module: &mut Module, prefix: &[String]) {
        let mut path = prefix.to_vec();
        while self.at < self.tokens.len() {
            let line = self.tokens[self.at].line;
            let text = self.text(0).to_owned();
            self.at += 1;
            match text.as_str() {
                "::" => {}
                "{" => loop {
                    self.use_tree(module, &path);
                    match self.text(0) {
                        "," if self.text(1) == "}" => {
                            self.at += 2;
                            break;
                        }
                        "," => self.at += 1,
                        _ => {
                            self.at += 1;
                            break;
                        }
                    }
                },
                "*" => {
                    module.references.push((path.clone(), line));
                    module.globs.push(path.clone());
                }
                "," | "}" => {
                    self.at -= 1;
                    return;
                }
                ";" => return,
                "as" => {
                    module.uses.insert(self.text(0).to_owned(), path.clone());
                    self.at += 1;
                }
                _ => {
                    if text != "self" || path.is_empty() {
                        path.push(text);
                    }
                    if self.text(0) != "::" {
                        module.references.push((path.clone(), line));
                        if self.text(0) != "as"
                            && let Some(name) = path.last()
                        {
                            module.uses.insert(name.clone(), path.clone());
                        }
                    }
                }
            }
        }
    }

    /// `#[cfg(test)]`, also with more conditions.
    fn is_for_tests(&self) -> bool {
        if [self.text(1), self.text(2)] != ["[", "cfg"] {
            return false;
        }
        let mut offset = 3;
        let mut has_test = false;
        while !["]", ""].contains(&self.text(offset)) {
            match self.text(offset) {
                "test" => has_test = true,
                "not" => return false,
                _ => {}
            }
            offset += 1;
        }
        has_test
    }

    /// `#[…]` or `#![…]`.
    fn skip_attribute(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "[" => depth += 1,
                "]" if depth <= 1 => {
                    self.at += 1;
                    return;
                }
                "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// An attribute and the item after it.
    fn skip_item(&mut self) {
        while self.text(0) == "#" {
            self.skip_attribute();
        }
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => depth += 1,
                "}" if depth <= 1 => {
                    // The brace that closes the module around it is not the item's.
                    self.at += depth;
                    return;
                }
                "}" => depth -= 1,
                ";" if depth == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}
