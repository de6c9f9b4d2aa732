//! Emulation prevention of H.264 and H.265: no three bytes of what is escaped are 00 00 00 to 00 00 03, but for the escapes.

/// Put before a byte that would be one of its own after two zeros.
const ESCAPE: u8 = 3;

/// Escapes the first `len` bytes of `buf`, which has room for half as many more, and returns how many there are then. The zeros
/// that count begin with the first byte.
pub(crate) fn escape(buf: &mut [u8], len: usize) -> usize {
    let (mut len, mut from) = (len, 0);
    while let Some(zeros) = two_zeros(&buf[..len], from) {
        let at = zeros + 2;
        from = at;
        if at < len && buf[at] <= ESCAPE {
            buf.copy_within(at..len, at + 1);
            buf[at] = ESCAPE;
            len += 1;
            // The zeros that count begin anew behind the escape.
            from = at + 1;
        } else if at < len {
            from = at + 1; // not a zero
        }
    }
    len
}

/// Takes the escapes out, and returns how many bytes are left, at the front.
pub(crate) fn unescape(buf: &mut [u8]) -> usize {
    let (mut len, mut moved, mut from) = (0, 0, 0);
    while let Some(at) = escape_after(buf, from) {
        // What lies between the last escape and this one goes to the front.
        if moved != len {
            buf.copy_within(moved..at, len);
        }
        len += at - moved;
        moved = at + 1;
        from = moved;
    }
    if moved != len {
        buf.copy_within(moved.., len);
    }
    len + buf.len() - moved
}

/// The last `N` bytes as they are without escapes; `None` if there are fewer.
pub(crate) fn last_unescaped<const N: usize>(buf: &[u8]) -> Option<[u8; N]> {
    if !has_escape_in_last::<N>(buf) {
        return buf.last_chunk().copied();
    }
    let mut bytes = [0; N];
    let mut at = buf.len();
    for to in bytes.iter_mut().rev() {
        at = at.checked_sub(1)?;
        if buf[at] == ESCAPE && at >= 2 && buf[at - 1] == 0 && buf[at - 2] == 0 {
            at -= 1;
        }
        *to = buf[at];
    }
    Some(bytes)
}

/// Whether an escape is among the last `N` bytes, or there are too few before them to tell.
fn has_escape_in_last<const N: usize>(buf: &[u8]) -> bool {
    let Some(at) = buf.len().checked_sub(N) else { return true };
    let Some(zeros) = at.checked_sub(2) else { return true };
    let (firsts, seconds, thirds) = (&buf[zeros..], &buf[zeros + 1..], &buf[at..]);
    let rows = firsts.iter().zip(seconds).zip(thirds).take(N);
    rows.fold(false, |any, ((first, second), third)| any | (first | second | third ^ ESCAPE == 0))
}

/// Where the first escape is whose zeros are at or behind `from`.
fn escape_after(buf: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let zeros = two_zeros(buf, from)?;
        if buf.get(zeros + 2) == Some(&ESCAPE) {
            return Some(zeros + 2);
        }
        from = zeros + 1;
    }
}

/// Where the first two zeros in a row are, at or behind `from`. Most data have none.
fn two_zeros(buf: &[u8], from: usize) -> Option<usize> {
    let at = skip::<16>(buf, skip::<128>(buf, from));
    buf.get(at..)?.windows(2).position(|pair| pair == [0, 0]).map(|place| at + place)
}

/// The first place at or behind `at` from which two zeros in a row begin within `N` bytes, or fewer are left.
#[inline]
fn skip<const N: usize>(buf: &[u8], mut at: usize) -> usize {
    let chunk = |at: usize| buf.get(at..)?.first_chunk::<N>();
    while let (Some(firsts), Some(seconds)) = (chunk(at), chunk(at + 1)) {
        // The least of all pairs, so that the compiler takes vectors.
        let mut least = u8::MAX;
        for place in 0..N {
            least = least.min(firsts[place] | seconds[place]);
        }
        if least == 0 {
            break;
        }
        at += N;
    }
    at
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// One byte after the other.
    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let (mut out, mut zeros) = (vec![], 0);
        for &byte in bytes {
            if zeros >= 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            out.push(byte);
            zeros = if byte == 0 { zeros + 1 } else { 0 };
        }
        out
    }

    fn unescaped(bytes: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (vec![], 0);
        while at < bytes.len() {
            if bytes[at..].starts_with(&[0, 0, 3]) {
                out.extend([0, 0]);
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        out
    }

    proptest! {
        #[test]
        fn agrees_with_loops(bytes in proptest::collection::vec(
            prop_oneof![4 => Just(0_u8), 2 => 1..5_u8, 1 => any::<u8>()], 0..200,
        )) {
            let mut buf = bytes.clone();
            buf.resize(bytes.len() + bytes.len() / 2 + 1, 9);
            let len = escape(&mut buf, bytes.len());
            prop_assert_eq!(&buf[..len], escaped(&bytes));
            let mut back = buf[..len].to_vec();
            let len = unescape(&mut back);
            prop_assert_eq!(&back[..len], &bytes[..]);

            // Anything at all, not only what was escaped.
            let mut any = bytes.clone();
            let len = unescape(&mut any);
            let expected = unescaped(&bytes);
            prop_assert_eq!(&any[..len], &expected[..]);
            let last = last_unescaped::<4>(&bytes);
            prop_assert_eq!(last.as_ref().map(<[u8; 4]>::as_slice), expected.len().checked_sub(4).map(|at| &expected[at..]));
        }
    }
}
