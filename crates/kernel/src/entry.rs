//! Where the features of a processor begin: everything inside is compiled for them.

/// The functions of one instruction set.
macro_rules! entry_points {
    ($name:ident: $vector:ty, $features:literal, width $width:literal, batch $batch:literal) => {
        pub(crate) mod $name {
            use crate::{
                gcm::{self, Frame},
                schedule::Schedule,
                vector::Vector,
            };

            type V = $vector;
            const WIDTH: usize = $width;
            /// Frames that are crypted together.
            pub(crate) const BATCH: usize = $batch;

            /// Whether the frame may be one of a batch.
            pub(crate) const fn is_short(frame: &Frame<'_>) -> bool {
                frame.vectors::<V>() <= WIDTH
            }

            #[target_feature(enable = $features)]
            pub(crate) unsafe fn expand<const ROUNDS: usize>(schedule: &mut Schedule, key: &[u8]) {
                unsafe { schedule.expand::<V, ROUNDS>(key) }
            }

            #[cold]
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn hash_aad(frame: &mut Frame<'_>) {
                unsafe { frame.hash_aad::<<V as Vector>::One>() }
            }

            /// Seals one frame and returns its tag.
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn seal<const ROUNDS: usize>(frame: &Frame<'_>) -> u128 {
                unsafe {
                    if !is_short(frame) {
                        return gcm::long::<V, ROUNDS, false, WIDTH>(frame);
                    }
                    let mut tag = [0];
                    with_constant!(frame.vectors::<V>(), WIDTH, N => gcm::together::<V, ROUNDS, false, false, N, 1>(&[*frame], &mut tag));
                    tag[0]
                }
            }

            /// Opens one frame; what is not authentic is as it was, or wiped.
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn open<const ROUNDS: usize>(frame: &Frame<'_>, tag: u128) -> bool {
                unsafe {
                    if !is_short(frame) {
                        let authentic = gcm::are_equal(gcm::long::<V, ROUNDS, true, WIDTH>(frame), tag);
                        if !authentic {
                            core::slice::from_raw_parts_mut(frame.data, frame.len).fill(0);
                        }
                        return authentic;
                    }
                    let authentic = with_constant!(frame.vectors::<V>(), WIDTH, N => gcm::together::<V, ROUNDS, true, false, N, 1>(&[*frame], &mut [tag]));
                    authentic[0]
                }
            }

            #[target_feature(enable = $features)]
            pub(crate) unsafe fn seal_batch<const ROUNDS: usize>(frames: &[Frame<'_>; BATCH], tags: &mut [u128; BATCH], vectors: usize) {
                unsafe {
                    with_constant!(vectors, WIDTH, N => gcm::together::<V, ROUNDS, false, true, N, BATCH>(frames, tags));
                }
            }
        }
    };
}
