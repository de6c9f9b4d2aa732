//! A JSON object writer for events and snapshots, which are not on the path of frames.

/// Fields of numbers, flags, hexadecimal bytes, and fixed words that need no escapes.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    /// A field whose value is already JSON.
    pub(crate) fn raw(mut self, name: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_word(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    pub(crate) fn word(self, name: &str, word: &str) -> Self {
        self.raw(name, &self::word(word))
    }

    pub(crate) fn hex(self, name: &str, bytes: &[u8]) -> Self {
        self.raw(name, &hex(bytes))
    }

    pub(crate) fn flag(self, name: &str, is_so: bool) -> Self {
        self.raw(name, if is_so { "true" } else { "false" })
    }

    pub(crate) fn number(self, name: &str, number: impl Into<u64>) -> Self {
        self.maybe(name, Some(number))
    }

    /// `null` if there is none.
    pub(crate) fn maybe(self, name: &str, number: Option<impl Into<u64>>) -> Self {
        self.raw(
            name,
            &number.map_or_else(|| String::from("null"), |number| self::number(number.into())),
        )
    }

    /// An address at the relay, as text; `null` if it is not UTF-8.
    pub(crate) fn address(self, name: &str, address: &[u8]) -> Self {
        let address = core::str::from_utf8(address);
        self.raw(name, &address.map_or_else(|_| String::from("null"), quoted))
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// An array of values that are already JSON.
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

/// A fixed word.
fn word(word: &str) -> String {
    let mut quoted = String::new();
    push_word(&mut quoted, word);
    quoted
}

fn push_word(text: &mut String, word: &str) {
    text.push('"');
    text.push_str(word);
    text.push('"');
}

/// Any text, escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.push('\\'),
            '\0'..='\x1f' => {
                quoted.push_str("\\u00");
                push_byte(&mut quoted, letter as u8);
                continue;
            }
            _ => {}
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Bytes in hexadecimal, quoted.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for byte in bytes {
        push_byte(&mut quoted, *byte);
    }
    quoted.push('"');
    quoted
}

fn push_byte(text: &mut String, byte: u8) {
    for half in [byte >> 4, byte & 15] {
        text.push(char::from(half + if half < 10 { b'0' } else { b'a' - 10 }));
    }
}

pub(crate) fn number(number: u64) -> String {
    let mut text = String::new();
    push_digits(&mut text, number, 1);
    text
}

/// A decimal number, padded with leading zeros.
pub(crate) fn push_digits(text: &mut String, number: u64, least: u32) {
    if least > 1 || number > 9 {
        push_digits(text, number / 10, least.saturating_sub(1));
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::{Object, number, push_digits};

    #[test]
    fn any_address_is_one_text_or_none() {
        let json = |address: &[u8]| Object::new().address("address", address).end();
        assert_eq!(json("näme-1".as_bytes()), r#"{"address":"näme-1"}"#);
        assert_eq!(json(b"a\"b\\c\n\0"), r#"{"address":"a\"b\\c\u000a\u0000"}"#);
        assert_eq!(json(b"\xff"), r#"{"address":null}"#);
    }

    #[test]
    fn numbers_are_decimal() {
        for (of, text) in [(0, "0"), (7, "7"), (10, "10"), (90_701, "90701")] {
            assert_eq!(number(of), text);
        }
        assert_eq!(number(u64::MAX), u64::MAX.to_string());
        let mut text = String::new();
        push_digits(&mut text, 705, 5);
        push_digits(&mut text, 123_456, 5);
        assert_eq!(text, "00705123456");
    }
}
