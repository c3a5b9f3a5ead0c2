//! Pulling from the simulators, in process, on both engines.

mod datto;
mod faults;
mod freshservice;
mod killed;
mod steady;
mod tickets;
