//! One object as JSON, for what JavaScript is told now and then: no frame waits for it.

use core::fmt::{Display, Write as _};

/// Numbers, flags, bytes in hexadecimal, and words of our own that need no escapes.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    pub(crate) fn raw(mut self, name: &str, value: impl Display) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        // Writing into a string does not fail.
        let _ = write!(self.0, "\"{name}\":{value}");
        self
    }

    pub(crate) fn word(self, name: &str, word: &str) -> Self {
        self.raw(name, format_args!("\"{word}\""))
    }

    pub(crate) fn hex(self, name: &str, bytes: &[u8]) -> Self {
        self.raw(name, format_args!("\"{}\"", hex(bytes)))
    }

    /// `null` if there is none.
    pub(crate) fn maybe(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.raw(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// An array of values that are JSON already.
pub(crate) fn array(values: impl Iterator<Item = String>) -> String {
    let mut all = String::from("[");
    for value in values {
        if all.len() > 1 {
            all.push(',');
        }
        all.push_str(&value);
    }
    all.push(']');
    all
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
