//! Pulling from the simulators, in process, on both engines.

mod accounts;
mod audits;
mod cancelled;
mod datto;
mod details;
mod entrance;
mod events;
mod faults;
mod freshservice;
mod holds;
mod keycloak;
mod killed;
mod limits;
mod month;
mod mutations;
mod outbox;
mod plans;
mod random_faults;
mod rows;
mod scheduler;
mod steady;
mod tickets;
