//! The libraries that do AES-GCM, and the choice between them.

/// Which library does AES-GCM. All make the same bytes; all can be in one program.
///
/// There is no default: a feature that another crate enables would change it. A caller names a
/// backend, or takes the one that this build recommends.
///
/// ```compile_fail
/// let chosen_by_features = sealframe_crypto::Backend::default();
/// ```
///
/// None is the fastest everywhere. [`recommended`](Self::recommended) is ring where the build has
/// it: of the native libraries it is the smallest to build, runs on the most targets, and is the
/// fastest on x86 without AVX-512, which most people call from. A server does well to measure
/// aws-lc-rs. AES-128-GCM in November 2026, times as multiples of ring's:
///
/// | | `Portable` | `AwsLc` |
/// |---|---|---|
/// | Intel with AVX-512, 40 to 1,200 bytes | 1.4 to 2.3 | 0.8 to 1.1 |
/// | the same, 16 KiB | 2.4 to 2.5 | 0.6 to 0.7 |
/// | the same, AVX-512 hidden from aws-lc-rs | | 1.1 to 1.8 |
/// | AMD Zen 4 (AVX-512), 40 to 1,200 bytes | 1.6 to 2.9 | 0.9 to 1.3 |
/// | the same, 16 KiB | 3.1 to 3.5 | 0.7 to 0.9 |
/// | CPU time to build it | 5 s | 44 s (ring: 10 s) |
/// | size it adds to a program | 38 kB | 770 kB (ring: 56 kB) |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// RustCrypto's `aes-gcm`: pure Rust, on every target. Only a WebAssembly module that is
    /// compiled for 128-bit vectors, with feature `kernel` and without feature `portable`, leaves
    /// it out.
    #[cfg(portable)]
    Portable,
    /// aws-lc-rs, with feature `aws-lc-rs`, on targets with an operating system. Needs a C compiler
    /// to build.
    #[cfg(aws_lc)]
    AwsLc,
    /// Our own kernel, with feature `kernel`, made for small frames and for batches. On a processor
    /// without the instructions that it uses, [`Portable`](Self::Portable) takes over. In
    /// WebAssembly only where the module is compiled for 128-bit vectors. Read SECURITY.md's
    /// section on the kernel first.
    #[cfg(kernel)]
    Kernel,
    /// ring, with feature `ring`, on targets with an operating system. Needs a C compiler to build.
    #[cfg(ring)]
    Ring,
}

impl Backend {
    /// Every backend of this build, each once.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            #[cfg(portable)]
            Self::Portable,
            #[cfg(aws_lc)]
            Self::AwsLc,
            #[cfg(kernel)]
            Self::Kernel,
            #[cfg(ring)]
            Self::Ring,
        ]
        .into_iter()
    }

    /// The fastest reviewed backend of this build: ring, else aws-lc-rs, else the portable one. Our
    /// own kernel, which has had no review from outside, only in a build without another backend.
    ///
    /// Which features the build has decides, those that other crates enable included. To depend on
    /// none of them, name a backend.
    #[must_use]
    #[allow(unreachable_code, reason = "each that is there ends it")]
    pub const fn recommended() -> Self {
        #[cfg(ring)]
        return Self::Ring;
        #[cfg(aws_lc)]
        return Self::AwsLc;
        #[cfg(portable)]
        return Self::Portable;
        #[cfg(kernel)]
        return Self::Kernel;
    }

    /// Bytes of the longest AES-GCM frame that batches interleave with others.
    #[cfg_attr(
        not(kernel),
        allow(clippy::missing_const_for_fn, unused_variables, reason = "no other interleaves")
    )]
    pub(crate) fn longest_interleaved(self, interleaving: Interleaving) -> Option<usize> {
        #[cfg(kernel)]
        if self == Self::Kernel {
            let isa = sealframe_kernel::Isa::best()?;
            let interleaves = match interleaving {
                Interleaving::ByProcessor => isa.gains_from_interleaving(),
                Interleaving::Always => true,
                Interleaving::Never => false,
            };
            return isa.longest_interleaved().filter(|_| interleaves);
        }
        None
    }
}

/// When batches interleave short frames, where the backend can.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "it is done or not, or the processor decides")]
pub enum Interleaving {
    /// On processors that gain from it.
    #[default]
    ByProcessor,
    /// Always, such as in tests.
    Always,
    /// Never.
    Never,
}
