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

    /// What a relay calls somebody, as text; `null` if it is none.
    pub(crate) fn address(self, name: &str, address: &[u8]) -> Self {
        self.maybe(name, core::str::from_utf8(address).ok().map(quoted))
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

/// Any text, with its escapes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        let _ = match letter {
            '"' | '\\' => write!(quoted, "\\{letter}"),
            '\0'..='\x1f' => write!(quoted, "\\u{:04x}", u32::from(letter)),
            _ => write!(quoted, "{letter}"),
        };
    }
    quoted.push('"');
    quoted
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Object;

    #[test]
    fn any_address_is_one_text_or_none() {
        let json = |address: &[u8]| Object::new().address("address", address).end();
        assert_eq!(json("näme-1".as_bytes()), r#"{"address":"näme-1"}"#);
        assert_eq!(json(b"a\"b\\c\n\0"), r#"{"address":"a\"b\\c\u000a\u0000"}"#);
        assert_eq!(json(b"\xff"), r#"{"address":null}"#);
    }
}
