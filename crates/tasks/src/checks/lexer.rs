//! Tells comments and text from code, line by line, in every language of the project.

use super::tree::File;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Code,
    /// Inside of quotes, with them.
    Text,
    Comment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    /// And TypeScript.
    JavaScript,
    Css,
    Python,
    /// Shell scripts, TOML, YAML: `#` begins a comment.
    Hash,
}

impl Language {
    fn of(file: &File) -> Option<Self> {
        match file.extension() {
            "rs" => Some(Self::Rust),
            "js" | "mjs" | "cjs" | "ts" | "mts" => Some(Self::JavaScript),
            "css" => Some(Self::Css),
            "py" => Some(Self::Python),
            "sh" | "toml" | "yml" | "yaml" | "editorconfig" | "gitignore" | "CODEOWNERS" => {
                Some(Self::Hash)
            }
            _ if file.text.starts_with("#!") => Some(Self::Hash),
            _ => None,
        }
    }
}

/// One line, taken apart.
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Code with its text, without comments.
    pub(super) code: String,
    /// Code without text: quotes are left out with what is in them.
    pub(super) bare: String,
    pub(super) comment: String,
    /// Columns, one for each character.
    pub(super) width: usize,
}

/// The lines of a file; none of a file in another language.
pub(super) fn lines(file: &File) -> Vec<Line> {
    let Some(language) = Language::of(file) else { return Vec::new() };
    let chars: Vec<char> = file.text.chars().collect();
    let classes = Reader { chars: &chars, language, classes: Vec::new() }.read();
    let mut lines = vec![Line::empty(1)];
    for (&char, class) in chars.iter().zip(classes) {
        if char == '\n' {
            lines.push(Line::empty(lines.len() + 1));
        } else if let Some(line) = lines.last_mut() {
            line.width += 1;
            match class {
                Class::Code => {
                    line.code.push(char);
                    line.bare.push(char);
                }
                Class::Text => line.code.push(char),
                Class::Comment => line.comment.push(char),
            }
        }
    }
    lines
}

impl Line {
    const fn empty(number: usize) -> Self {
        Self { number, code: String::new(), bare: String::new(), comment: String::new(), width: 0 }
    }
}

struct Reader<'a> {
    chars: &'a [char],
    language: Language,
    classes: Vec<Class>,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Class> {
        // Of JavaScript's templates that hold code: how many braces are open in each.
        let mut templates: Vec<u32> = Vec::new();
        while let Some(&char) = self.chars.get(self.classes.len()) {
            if self.comment() || self.text(char) {
                continue;
            }
            self.take(1, Class::Code);
            if self.language != Language::JavaScript {
                continue;
            }
            match (char, templates.last_mut()) {
                ('`', _) => self.template(&mut templates),
                ('{', Some(open)) => *open += 1,
                ('}', Some(0)) => {
                    templates.pop();
                    self.template(&mut templates);
                }
                ('}', Some(open)) => *open -= 1,
                _ => {}
            }
        }
        self.classes
    }

    fn at(&self, offset: usize) -> Option<char> {
        self.chars.get(self.classes.len() + offset).copied()
    }

    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, char)| self.at(offset) == Some(char))
    }

    fn take(&mut self, count: usize, class: Class) {
        let end = (self.classes.len() + count).min(self.chars.len());
        self.classes.resize(end, class);
    }

    /// The last character before this one that is not a space, on the same line.
    fn before(&self) -> Option<char> {
        let read = &self.chars[..self.classes.len()];
        read.iter().rev().take_while(|char| **char != '\n').find(|char| !char.is_whitespace()).copied()
    }

    fn until_line_end(&mut self, class: Class) {
        while self.at(0).is_some_and(|char| char != '\n') {
            self.take(1, class);
        }
    }

    /// Up to and with `end`.
    fn until(&mut self, end: &str, has_escapes: bool, class: Class) {
        while self.at(0).is_some() && !self.sees(end) {
            self.take(if has_escapes && self.sees("\\") { 2 } else { 1 }, class);
        }
        self.take(end.chars().count(), class);
    }

    fn comment(&mut self) -> bool {
        match self.language {
            Language::Rust | Language::JavaScript if self.sees("//") => {
                self.until_line_end(Class::Comment);
            }
            Language::Rust if self.sees("/*") => {
                let mut depth = 0_u32;
                while self.at(0).is_some() {
                    if self.sees("/*") {
                        depth += 1;
                        self.take(2, Class::Comment);
                    } else if self.sees("*/") {
                        depth -= 1;
                        self.take(2, Class::Comment);
                        if depth == 0 {
                            break;
                        }
                    } else {
                        self.take(1, Class::Comment);
                    }
                }
            }
            Language::JavaScript | Language::Css if self.sees("/*") => {
                self.until("*/", false, Class::Comment);
            }
            Language::Python | Language::Hash if self.sees("#") => {
                let before = self.classes.len().checked_sub(1).map(|at| self.chars[at]);
                if before.is_some_and(|before| !before.is_whitespace()) {
                    return false;
                }
                self.until_line_end(Class::Comment);
            }
            Language::Rust
            | Language::JavaScript
            | Language::Css
            | Language::Python
            | Language::Hash => return false,
        }
        true
    }

    fn text(&mut self, char: char) -> bool {
        match (self.language, char) {
            (Language::Rust, 'r') => return self.raw_text(),
            (Language::Rust, '"') => {
                self.take(1, Class::Text);
                self.until("\"", true, Class::Text);
            }
            (Language::Rust, '\'') => {
                if self.at(1) == Some('\\') {
                    self.take(3, Class::Text);
                    self.until("'", false, Class::Text);
                } else if self.at(2) == Some('\'') {
                    self.take(3, Class::Text);
                } else {
                    return false; // a lifetime
                }
            }
            (Language::JavaScript, '/') => return self.expression(),
            (Language::Python | Language::Hash, '"' | '\'') => {
                let three = String::from(char).repeat(3);
                if self.sees(&three) {
                    // Text that begins a line is documentation.
                    let class = if self.before().is_none() { Class::Comment } else { Class::Text };
                    self.take(3, class);
                    self.until(&three, true, class);
                } else {
                    self.line_of_text(char);
                }
            }
            (Language::JavaScript | Language::Css, '"' | '\'') => self.line_of_text(char),
            (
                Language::Rust
                | Language::JavaScript
                | Language::Css
                | Language::Python
                | Language::Hash,
                _,
            ) => return false,
        }
        true
    }

    fn line_of_text(&mut self, quote: char) {
        self.take(1, Class::Text);
        while let Some(char) = self.at(0) {
            if char == '\n' {
                return;
            }
            self.take(if char == '\\' { 2 } else { 1 }, Class::Text);
            if char == quote {
                return;
            }
        }
    }

    /// Rust's `r#"…"#`.
    fn raw_text(&mut self) -> bool {
        let read = self.classes.len();
        let is_word = |char: char| char.is_alphanumeric() || char == '_';
        // `br"…"` begins with a letter too.
        let is_inside = |at: usize| self.chars.get(at).copied().is_some_and(is_word);
        if read > 0 && is_inside(read - 1) && self.chars.get(read - 1) != Some(&'b') {
            return false;
        }
        let mut hashes = 0;
        while self.at(1 + hashes) == Some('#') {
            hashes += 1;
        }
        if self.at(1 + hashes) != Some('"') {
            return false;
        }
        self.take(2 + hashes, Class::Text);
        self.until(&format!("\"{}", "#".repeat(hashes)), false, Class::Text);
        true
    }

    /// A regular expression of JavaScript, where a slash cannot divide.
    fn expression(&mut self) -> bool {
        let may_begin = self.before().is_none_or(|before| "(,=:[!&|?{};+>".contains(before));
        if !may_begin {
            return false;
        }
        self.take(1, Class::Text);
        let mut is_in_class = false;
        while let Some(char) = self.at(0) {
            match char {
                '\n' => return true,
                '[' => is_in_class = true,
                ']' => is_in_class = false,
                _ => {}
            }
            self.take(if char == '\\' { 2 } else { 1 }, Class::Text);
            if char == '/' && !is_in_class {
                return true;
            }
        }
        true
    }

    /// The text of a template, up to its end or to the code in it.
    fn template(&mut self, templates: &mut Vec<u32>) {
        while self.at(0).is_some() {
            if self.sees("`") {
                self.take(1, Class::Text);
                return;
            }
            if self.sees("${") {
                self.take(2, Class::Code);
                templates.push(0);
                return;
            }
            self.take(if self.sees("\\") { 2 } else { 1 }, Class::Text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<Line> {
        lines(&File { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn rust() {
        let text = "let a = \"// no\"; // yes\nlet r = r#\"\" // no\"#;\nlet c = '\"'; /* a\n/* b */ c */ d\nfn e<'a>() {} // f";
        let lines = of("a.rs", text);
        let comments: Vec<&str> = lines.iter().map(|line| line.comment.as_str()).collect();
        assert_eq!(comments, ["// yes", "", "/* a", "/* b */ c */", "// f"]);
        assert_eq!(lines[0].bare, "let a = ; ");
        assert_eq!(lines[3].code, " d");
    }

    #[test]
    fn javascript() {
        let text = "const a = `// no ${b('//')} // no`; // yes\nc = /[/'\"]\\/\\//.test(d); // e\nf = 1 / 2; /* g\n' */ 'h // no'";
        let lines = of("a.ts", text);
        let comments: Vec<&str> = lines.iter().map(|line| line.comment.as_str()).collect();
        assert_eq!(comments, ["// yes", "// e", "/* g", "' */"]);
    }

    #[test]
    fn python_and_toml() {
        let lines = of("a.py", "def a():\n    \"\"\"Says.\n    # More.\n    \"\"\"\n    b = '#'  # c");
        let comments: Vec<&str> = lines.iter().map(|line| line.comment.as_str()).collect();
        assert_eq!(comments, ["", "\"\"\"Says.", "    # More.", "    \"\"\"", "# c"]);
        assert_eq!(of("a.toml", "a = \"#b\" # c")[0].comment, "# c");
    }
}
