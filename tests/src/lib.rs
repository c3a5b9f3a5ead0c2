//! Simulators, demo, harnesses and integration tests of HiveMatrix Codex.

pub mod harness;
pub mod kit;
pub mod sim;
