//! No branch and no address depends on a key, on data or on a tag, except the one verdict on an
//! opened frame.
//!
//! The test runs itself under valgrind with every secret marked as undefined memory: memcheck then
//! reports each use that depends on one. valgrind 3.19 does not support VAES and AVX-512, so the
//! instruction set that runs there is `AesNi`; the others are compiled from the same source for
//! wider registers.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]
#![expect(unsafe_code, reason = "valgrind's client requests")]

use core::{arch::asm, hint::black_box};
use std::{
    env,
    process::{Command, Stdio},
};

use sealframe_kernel::{Frame, Isa, Key, Tag, open_interleaved, seal_interleaved};

mod common;
use common::{NONCE, bytes};

/// Set in the process that valgrind runs.
const INSIDE: &str = "SEALFRAME_INSIDE_VALGRIND";
/// Set where the test must not be left out: by `cargo verify`, which installs valgrind.
const REQUIRED: &str = "SEALFRAME_REQUIRE_VALGRIND";

/// valgrind's requests, from valgrind.h and memcheck.h.
mod request {
    pub(crate) const RUNNING_ON_VALGRIND: usize = 0x1001;
    pub(crate) const COUNT_ERRORS: usize = 0x1201;
    pub(crate) const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
    pub(crate) const MAKE_MEM_DEFINED: usize = 0x4d43_0002;
}

/// Does nothing and returns 0, unless valgrind runs it.
fn ask(request: usize, start: usize, len: usize) -> usize {
    let args = [request, start, len, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: rotations by 128 bits in all and an exchange of a register with itself; valgrind,
    // which recognises the sequence, reads `args` and changes its own record of memory, not memory.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") answer, in("rax") args.as_ptr(), inout("rdi") 0_usize => _,
        );
    }
    answer
}

/// Through `&mut` and a black box, or the compiler would go on with the values it knows.
fn make_secret(bytes: &mut [u8]) {
    let bytes = black_box(bytes);
    ask(request::MAKE_MEM_UNDEFINED, bytes.as_ptr().addr(), bytes.len());
    black_box(bytes);
}

fn make_public(bytes: &mut [u8]) {
    let bytes = black_box(bytes);
    ask(request::MAKE_MEM_DEFINED, bytes.as_ptr().addr(), bytes.len());
    black_box(bytes);
}

/// How much of what `run` does depends on something undefined.
fn reports(run: impl FnOnce()) -> usize {
    let before = ask(request::COUNT_ERRORS, 0, 0);
    run();
    ask(request::COUNT_ERRORS, 0, 0) - before
}

fn secret_key(len: usize) -> Box<Key> {
    let mut key = bytes(len, 1);
    make_secret(&mut key);
    Key::with_isa(Isa::AesNi, &key).unwrap()
}

fn secret_data(len: usize) -> Vec<u8> {
    let mut data = bytes(len, 2);
    make_secret(&mut data);
    data
}

/// Seals, then opens with a wrong tag and the right one, each in short and whole; returns the
/// reports of each.
fn life_of_a_frame(key: &Key, aad: &[u8], len: usize) -> [usize; 5] {
    let mut data = secret_data(len);
    let mut tag = [0; 16];
    let sealing = reports(|| tag = Frame::new(key, NONCE, aad, &mut data).seal().unwrap().into());
    let mut forged = tag;
    forged[7] ^= 1;
    let mut copy = data.clone();
    let refusing = reports(|| {
        let _ = black_box(Frame::new(key, NONCE, aad, &mut copy).open(Tag::from(forged)));
    });
    let mut copy = data.clone();
    let [refusing_short, opening_short] = [forged, tag].map(|tag| {
        let tag = tag.first_chunk().unwrap();
        reports(|| _ = black_box(Frame::new(key, NONCE, aad, &mut copy).open_short(*tag)))
    });
    let opening = reports(|| {
        let _ = black_box(Frame::new(key, NONCE, aad, &mut data).open(Tag::from(tag)));
    });
    [sealing, refusing, refusing_short, opening_short, opening]
}

fn four_frames(key: &Key) -> [usize; 2] {
    let mut data = [16, 40, 64, 100].map(secret_data);
    let mut tags = [Tag::from([0; 16]); 4];
    let sealing = reports(|| {
        let frames = data.each_mut().map(|data| Frame::new(key, NONCE, &[1; 12], data));
        tags = seal_interleaved(frames).map(Result::unwrap);
    });
    let opening = reports(|| {
        let frames = data.each_mut().map(|data| Frame::new(key, NONCE, &[1; 12], data));
        let _ = black_box(open_interleaved(frames, tags));
    });
    [sealing, opening]
}

fn scenarios() {
    assert_eq!(ask(request::RUNNING_ON_VALGRIND, 0, 0), 1, "valgrind runs this");
    assert!(Isa::AesNi.is_available());

    // Controls: leaks that must be reported.
    let table = bytes(256, 3);
    let mut secret = secret_data(16);
    assert!(reports(|| _ = black_box(table[usize::from(secret[3])])) > 0, "a secret address");
    let branch = |secret: u8| (0..secret & 3).for_each(|turn| _ = black_box(turn));
    assert!(reports(|| branch(secret[5])) > 0, "a secret branch");
    make_public(&mut secret);
    assert_eq!(reports(|| _ = black_box(table[usize::from(secret[3])])), 0);

    for key_len in [16, 32] {
        let mut key = None;
        assert_eq!(reports(|| key = Some(secret_key(key_len))), 0, "expanding a key");
        let key = key.unwrap();
        for aad_len in [0, 12, 16, 17, 40, 1100] {
            for len in [0, 1, 15, 16, 40, 112, 160, 1200, 2100] {
                let seen = life_of_a_frame(&key, &bytes(aad_len, 4), len);
                // The verdict, once. An empty frame has nothing to store or to wipe, so its verdict
                // is not used.
                let verdict = usize::from(len > 0);
                assert_eq!(
                    seen,
                    [0, verdict, verdict, verdict, verdict],
                    "{len} bytes, {aad_len} of AAD"
                );
            }
        }
        assert_eq!(four_frames(&key), [0, 4], "four together");
    }
    eprintln!("nothing but verdicts depends on a secret");
}

#[test]
fn nothing_but_the_verdict_depends_on_a_secret() {
    if env::var_os(INSIDE).is_some() {
        return scenarios();
    }
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(env::var_os(REQUIRED).is_none(), "valgrind is missing");
        eprintln!("left out: valgrind is missing");
        return;
    }
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-limit=no"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "nothing_but_the_verdict_depends_on_a_secret", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("nothing but verdicts depends on a secret"), "{report}");
}
