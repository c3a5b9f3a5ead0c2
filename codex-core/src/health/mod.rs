//! Health: what the service says about itself.

pub mod wire;
