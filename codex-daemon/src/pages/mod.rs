//! What the pages fetch and send.

pub(crate) mod tables;
