//! Which backends this build has, as `cfg(ring)`, `cfg(aws_lc)`, `cfg(kernel)` and `cfg(portable)`:
//! by feature, where the target can.

use std::env;

fn main() {
    let has = |name: &str| env::var_os(name).is_some();
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // Not on WebAssembly, where there is no AES hardware: ring is slower than aes-gcm there, and
    // aws-lc-rs does not build. Not on bare metal, where they need a C cross compiler.
    let is_native = target("FAMILY") != "wasm" && target("OS") != "none";
    // The kernel has an implementation for WebAssembly with vectors.
    let has_vectors =
        target("ARCH") == "wasm32" && target("FEATURE").split(',').any(|it| it == "simd128");
    let kernel_is_certain = has("CARGO_FEATURE_KERNEL") && has_vectors;
    for (name, is_there) in [
        // Always there, but for a module that must be small and has another for certain.
        ("portable", has("CARGO_FEATURE_PORTABLE") || !kernel_is_certain),
        ("ring", has("CARGO_FEATURE_RING") && is_native),
        ("aws_lc", has("CARGO_FEATURE_AWS_LC_RS") && is_native),
        ("kernel", has("CARGO_FEATURE_KERNEL") && (is_native || has_vectors)),
    ] {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if is_there {
            println!("cargo::rustc-cfg={name}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
