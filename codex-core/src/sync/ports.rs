//! What a vendor may offer beside its lists: answers about single records for somebody who waits, and changes that it
//! takes.
//!
//! A vendor's folder implements the ports that it can, and [`Builder`](crate::Builder) takes them. Whoever uses a port
//! knows no vendor: records and messages name it by what the port says.

use std::{fmt::Debug, future::Future, pin::Pin};

use chrono::{DateTime, Utc};

use super::{RateLimitBlock, UpstreamError};
use crate::{
    assets::audit::{DeviceInventory, DueDevice},
    clock::SharedClock,
    store::Db,
    tickets::PsaTicket,
};

/// A vendor's answer, boxed so that vendors of different types stand behind one port.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send + 'a>>;

/// What every call needs beside the account.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// Where limits are kept that all who call an account share.
    pub db: &'a Db,
    /// The time.
    pub clock: &'a SharedClock,
}

impl CallContext<'_> {
    /// The limits of the account of `source`.
    pub fn rate_limit_block(&self, source: &'static str) -> RateLimitBlock {
        RateLimitBlock::new(self.db.clone(), source)
    }
}

/// A PSA's tickets, one at a time.
pub trait Tickets: Debug + Send + Sync + 'static {
    /// Name in claims and in the setting that chooses it.
    fn provider(&self) -> &'static str;

    /// Whether changes are sent. If not, nothing but reads is asked of it.
    fn writes(&self) -> bool;

    /// A ticket with everything on it; `None` when there is none of that number.
    fn ticket<'a>(&'a self, context: CallContext<'a>, number: i64)
    -> Answer<'a, Option<PsaTicket>>;

    /// The status of a ticket; `None` when it is deleted or spam, or there is none of that number.
    fn status<'a>(&'a self, context: CallContext<'a>, number: i64) -> Answer<'a, Option<i64>>;

    /// Sets the status of a ticket; once.
    fn set_status<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        status: i64,
    ) -> Answer<'a, ()>;

    /// Adds a private note to a ticket, once; returns its id.
    fn add_note<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        text: &'a str,
    ) -> Answer<'a, i64>;

    /// The id of a private note with a text, written since a moment, that is not one of `known`.
    fn find_note<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        text: &'a str,
        since: DateTime<Utc>,
        known: &'a [i64],
    ) -> Answer<'a, Option<i64>>;
}

/// An RMM's inventories, one device at a time.
pub trait Inventory: Debug + Send + Sync + 'static {
    /// Name in claims and in the setting that chooses it.
    fn provider(&self) -> &'static str;

    /// What the vendor says of a device now.
    fn inventory<'a>(
        &'a self,
        context: CallContext<'a>,
        device: DueDevice,
    ) -> Answer<'a, DeviceInventory>;
}

/// Whether a vendor lets us in.
pub trait Probe: Debug + Send + Sync {
    /// Makes one cheap call that proves address and key.
    fn probe<'a>(&'a self, context: CallContext<'a>) -> Answer<'a, ()>;
}

/// The people who may log in, one at a time.
pub trait Users: Debug + Send + Sync + 'static {
    /// Whether there is a user with this id.
    fn has<'a>(&'a self, context: CallContext<'a>, id: &'a str) -> Answer<'a, bool>;
}
