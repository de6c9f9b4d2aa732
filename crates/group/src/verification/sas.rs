//! The short string that both people of an emoji check compare.

/// What both people compare: seven emoji of 64, or, for those who would rather read numbers, three of them.
///
/// Two strangers' strings are the same once in 2^42 checks (emoji) or 2^39 (numbers). That is enough only
/// because each check allows one guess, and [`SasVerifications`](super::SasVerifications) no more than three checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sas(u64);

/// One of the 64 emoji.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "shown as it is")]
pub struct Emoji {
    /// Its place in the table, below 64: what translations go by.
    pub index: u8,
    /// The emoji itself, of one or two code points.
    pub symbol: &'static str,
    /// Its name in English. Show it too: fonts draw the symbols differently.
    pub name: &'static str,
}

impl Sas {
    /// The first 42 bits of `bytes`.
    pub(super) fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)) >> 6)
    }

    /// Seven emoji, six bits each.
    ///
    /// Source of the table: Matrix, Client-Server API, "SAS method: emoji", which has translations.
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

/// Of matrix-org/matrix-spec, `data-definitions/sas-emoji.json`.
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
