//! Simulators, demo, harnesses and integration tests of HiveMatrix Codex.

pub mod breaking;
pub mod conformance;
pub mod harness;
pub mod old;
pub mod sim;
