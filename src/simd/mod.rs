//! Kernels that use what the processor has, each with a plain twin.
//!
//! The only room with unsafe code. A kernel is chosen at run time by what the processor says of itself; where it says
//! nothing, or another architecture runs, the plain twin does the same work.

#![allow(unsafe_code, reason = "instructions of one processor can only be called after asking it for them")]

mod block;
pub mod escape;
#[cfg(target_arch = "aarch64")]
mod escape_arm;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod escape_lanes;
#[cfg(target_arch = "x86_64")]
mod escape_x86;
pub mod md5;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod md5_lanes;
mod scalar;
pub mod sha256;
#[cfg(target_arch = "aarch64")]
mod sha256_arm;
#[cfg(target_arch = "x86_64")]
mod sha256_x86;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;
#[cfg(target_arch = "aarch64")]
mod vector_arm;
#[cfg(target_arch = "x86_64")]
mod vector_x86;
