//! The short authentication string (SAS) that two people compare.

/// A short authentication string: seven emoji out of 64, or three numbers for people who prefer to
/// read numbers.
///
/// Two unrelated strings match with probability 2^-42 (emoji) or 2^-39 (numbers). That suffices
/// only because each verification allows one guess, and
/// [`SasVerifications`](super::SasVerifications) allows three verifications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sas(u64);

/// One of the 64 emoji.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "a row of the table")]
pub struct Emoji {
    /// Its index in the table, below 64, by which translations are found.
    pub index: u8,
    /// The emoji itself, of one or two code points.
    pub symbol: &'static str,
    /// Its English name. Show it beside the symbol, because fonts draw symbols differently.
    pub name: &'static str,
}

impl Sas {
    /// Takes the first 42 bits of `bytes`.
    pub(super) fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)) >> 6)
    }

    /// Seven emoji, six bits each.
    ///
    /// Source of the table: Matrix, Client-Server API, "SAS method: emoji", which also has
    /// translations.
    #[must_use]
    pub fn emoji(&self) -> [Emoji; 7] {
        core::array::from_fn(|at| {
            let index = (self.0 >> (36 - 6 * at) & 63) as u8;
            let (symbol, name) = TABLE[usize::from(index)];
            Emoji { index, symbol, name }
        })
    }

    /// Three numbers from 1000 to 9191, 13 bits each: the first 39 of the 42 bits.
    ///
    /// Source: Matrix, Client-Server API, "SAS method: decimal".
    #[must_use]
    pub fn numbers(&self) -> [u16; 3] {
        core::array::from_fn(|at| (self.0 >> (29 - 13 * at) & 0x1fff) as u16 + 1000)
    }
}

/// Source: matrix-org/matrix-spec, `data-definitions/sas-emoji.json`.
const TABLE: [(&str, &str); 64] = [
    ("🐶", "Dog"),
    ("🐱", "Cat"),
    ("🦁", "Lion"),
    ("🐎", "Horse"),
    ("🦄", "Unicorn"),
    ("🐷", "Pig"),
    ("🐘", "Elephant"),
    ("🐰", "Rabbit"),
    ("🐼", "Panda"),
    ("🐓", "Rooster"),
    ("🐧", "Penguin"),
    ("🐢", "Turtle"),
    ("🐟", "Fish"),
    ("🐙", "Octopus"),
    ("🦋", "Butterfly"),
    ("🌷", "Flower"),
    ("🌳", "Tree"),
    ("🌵", "Cactus"),
    ("🍄", "Mushroom"),
    ("🌏", "Globe"),
    ("🌙", "Moon"),
    ("☁\u{fe0f}", "Cloud"),
    ("🔥", "Fire"),
    ("🍌", "Banana"),
    ("🍎", "Apple"),
    ("🍓", "Strawberry"),
    ("🌽", "Corn"),
    ("🍕", "Pizza"),
    ("🎂", "Cake"),
    ("❤\u{fe0f}", "Heart"),
    ("😀", "Smiley"),
    ("🤖", "Robot"),
    ("🎩", "Hat"),
    ("👓", "Glasses"),
    ("🔧", "Spanner"),
    ("🎅", "Santa"),
    ("👍", "Thumbs Up"),
    ("☂\u{fe0f}", "Umbrella"),
    ("⌛", "Hourglass"),
    ("⏰", "Clock"),
    ("🎁", "Gift"),
    ("💡", "Light Bulb"),
    ("📕", "Book"),
    ("✏\u{fe0f}", "Pencil"),
    ("📎", "Paperclip"),
    ("✂\u{fe0f}", "Scissors"),
    ("🔒", "Lock"),
    ("🔑", "Key"),
    ("🔨", "Hammer"),
    ("☎\u{fe0f}", "Telephone"),
    ("🏁", "Flag"),
    ("🚂", "Train"),
    ("🚲", "Bicycle"),
    ("✈\u{fe0f}", "Aeroplane"),
    ("🚀", "Rocket"),
    ("🏆", "Trophy"),
    ("⚽", "Ball"),
    ("🎸", "Guitar"),
    ("🎺", "Trumpet"),
    ("🔔", "Bell"),
    ("⚓", "Anchor"),
    ("🎧", "Headphones"),
    ("📁", "Folder"),
    ("📌", "Pin"),
];
