//! The S-box and `MixColumns` as look-ups of half bytes, made from their definitions.
//!
//! A byte of AES, an element of GF(2^8), is `k + i W`, with `k` and `i` of GF(2^4) and `W^2 = A W +
//! A`. Its norm is `n = k^2 + A k i + A i^2`, and its inverse `(k + A i) / n + (i / n) W`. With `j
//! = i + k`, both
//!
//! ```text
//! p = j + 1 / (1/i + A/k) = n / (k + A i)
//! q = i + 1 / (1/j + A/k) = n / (k + A i + A k)
//! ```
//!
//! take five look-ups, and every linear function of the inverse is a look-up of `p` and one of `q`.
//! The quotient of a division by 0 has its highest bit set, and a look-up at such a place yields 0;
//! so the result is right for 0 too.
//!
//! Source: M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009, sections 3
//! and 4.

#![expect(clippy::cast_possible_truncation, reason = "indices of small tables")]

use super::block::BLOCK;

/// A map of half bytes, or the places that the bytes of a block come from.
type Table = [u8; BLOCK];

/// The S-box adds 0x63 to every byte. Added to every byte of a column, it goes through `MixColumns`
/// unchanged, so the tables leave it out and the round keys after them include it.
pub(super) const S_BOX_CONSTANT: u8 = 0x63;

/// All tables, in memory: an engine would build constants again at each use.
#[repr(C, align(16))]
pub(super) struct Tables {
    /// From a byte to its code, `i << 4 | k`: of the lower half and of the upper.
    pub(super) code: [Table; 2],
    /// `1/x`
    pub(super) inverse: Table,
    /// `A/x`
    pub(super) a_over: Table,
    /// From `p` and from `q` to the code of the S-box's output.
    pub(super) substituted: [Table; 2],
    /// To the code of twice that.
    pub(super) doubled: [Table; 2],
    /// To the byte itself.
    pub(super) last: [Table; 2],
    /// `ShiftRows` (FIPS 197 section 5.1.2); bytes lie column by column.
    pub(super) shift_rows: Table,
    /// In every column, the byte below.
    pub(super) below: Table,
    /// The byte below, and the byte above, of what `ShiftRows` gives.
    pub(super) shifted_below: Table,
    pub(super) shifted_above: Table,
}

pub(super) static TABLES: Tables = {
    let [substituted, doubled, last] = [multiples(1, true), multiples(2, true), multiples(1, false)];
    Tables {
        code: [halves(0), halves(4)],
        inverse: quotients(1),
        a_over: quotients(A),
        substituted,
        doubled,
        last,
        shift_rows: places(0, true),
        below: places(1, false),
        shifted_below: places(1, true),
        shifted_above: places(3, true),
    }
};

const INFINITY: u8 = 0x80;

/// Generates GF(2^4) inside GF(2^8): `G^4 = G + 1`. A half byte has the coefficients of `1`, `G`,
/// `G^2` and `G^3`.
const G: u8 = {
    let mut g = 2;
    while power(g, 4) != g ^ 1 {
        g += 1;
    }
    g
};

/// Outside GF(2^4), with an `A` inside.
const W: u8 = {
    let mut w = 2;
    while is_small(w) || !is_small(a_of(w)) {
        w += 1;
    }
    w
};
const A: u8 = a_of(W);

/// What belongs to a `W`: `W^2 / (W + 1)`.
const fn a_of(w: u8) -> u8 {
    times(power(w, 2), inverse(w ^ 1))
}

/// Whether an element is of GF(2^4).
const fn is_small(x: u8) -> bool {
    power(x, 16) == x
}

/// In GF(2^8), where `x^8 = x^4 + x^3 + x + 1` (FIPS 197 section 4.2).
const fn times(mut x: u8, y: u8) -> u8 {
    let mut product = 0;
    let mut bit = 0;
    while bit < 8 {
        product ^= x * (y >> bit & 1);
        x = (x << 1) ^ ((x >> 7) * 0x1b);
        bit += 1;
    }
    product
}

const fn power(x: u8, exponent: u8) -> u8 {
    let mut power = 1;
    let mut count = 0;
    while count < exponent {
        power = times(power, x);
        count += 1;
    }
    power
}

const fn inverse(x: u8) -> u8 {
    power(x, 254)
}

/// The element with this code.
const fn element(code: u8) -> u8 {
    let mut element = 0;
    let mut bit = 0;
    while bit < 8 {
        let of_bit = times(power(G, bit % 4), if bit < 4 { 1 } else { W });
        element ^= of_bit * (code >> bit & 1);
        bit += 1;
    }
    element
}

/// By element: its code.
const CODES: [u8; 256] = {
    let mut codes = [0; 256];
    let mut code = 0;
    while code < 256 {
        codes[element(code as u8) as usize] = code as u8;
        code += 1;
    }
    codes
};

/// The codes of bytes that have one half.
const fn halves(shift: u8) -> Table {
    let mut table = [0; BLOCK];
    let mut half = 0;
    while half < BLOCK {
        table[half] = CODES[half << shift];
        half += 1;
    }
    table
}

/// `dividend / x` for elements of GF(2^4), as codes.
const fn quotients(dividend: u8) -> Table {
    let mut table = [INFINITY; BLOCK];
    let mut half = 1;
    while half < BLOCK {
        table[half] = CODES[times(dividend, inverse(element(half as u8))) as usize];
        half += 1;
    }
    table
}

/// `multiple` times the S-box's output for an inverse, from `p` and from `q`.
///
/// The inverse is `1/p + (1/A + 1/A^2) W / p + W / A^2 / q`.
const fn multiples(multiple: u8, in_codes: bool) -> [Table; 2] {
    let by_a = inverse(A);
    let parts = [1 ^ times(by_a ^ times(by_a, by_a), W), times(times(by_a, by_a), W)];
    let mut tables = [[0; BLOCK]; 2];
    let mut half = 1;
    while half < BLOCK {
        let mut part = 0;
        while part < 2 {
            let of_inverse = times(inverse(element(half as u8)), parts[part]);
            let byte = times(multiple, mixed(of_inverse));
            tables[part][half] = if in_codes { CODES[byte as usize] } else { byte };
            part += 1;
        }
        half += 1;
    }
    tables
}

/// The S-box's map of an inverse (FIPS 197 section 5.1.1), without its constant.
const fn mixed(x: u8) -> u8 {
    x ^ x.rotate_left(1) ^ x.rotate_left(2) ^ x.rotate_left(3) ^ x.rotate_left(4)
}

/// Where each byte comes from, if the rows are shifted or not and each column is then rotated up by
/// `up` bytes.
const fn places(up: usize, shifts_rows: bool) -> Table {
    let mut table = [0; BLOCK];
    let mut to = 0;
    while to < BLOCK {
        let row = (to % 4 + up) % 4;
        let column = to / 4 + if shifts_rows { row } else { 0 };
        table[to] = (column % 4 * 4 + row) as u8;
        to += 1;
    }
    table
}
