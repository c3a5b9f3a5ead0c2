//! Digests as words.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// SHA-256 of some parts, one behind the other, in hexadecimal.
pub fn hex(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
        // Parts must not run into each other.
        digest.update((part.len() as u64).to_be_bytes());
    }
    let bytes = digest.finalize();
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut word, byte| {
            // Writing to a string cannot fail.
            let _ = write!(word, "{byte:02x}");
            word
        })
}
