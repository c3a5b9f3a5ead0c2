//! What a vendor's API does on a bad day.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// When a fault strikes, among the calls whose path starts with its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// The first calls only.
    First(u32),
    /// That page only, counted as the vendor counts.
    Page(u32),
}

/// What happens instead of the right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A status with an empty body.
    Status(u16),
    /// 429 with this `Retry-After`.
    RateLimited(Option<String>),
    /// 200 with a page for people.
    Html,
    /// The body ends in the middle.
    HalfBody,
    /// The list is empty, with a proper end.
    EmptyList,
    /// The body is `null`.
    NullBody,
    /// The first item is null.
    NullItem,
    /// The last third of the items is missing, and the list ends here.
    Truncated,
    /// The envelope is missing (Datto) .
    NoEnvelope,
    /// The next page is on another host.
    ForeignLink,
    /// The next page is this page.
    SelfLink,
    /// No answer for this long.
    Hang(Duration),
}

#[derive(Debug)]
struct Fault {
    path: String,
    when: When,
    kind: Kind,
    struck: u32,
}

/// The faults that a simulator has at the moment.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault to all paths that start with `path`.
    pub fn add(&self, path: &str, when: When, kind: Kind) {
        let fault = Fault {
            path: path.to_owned(),
            when,
            kind,
            struck: 0,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    /// A good day again.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The fault that strikes this call.
    pub(super) fn strike(&self, path: &str, page: u32) -> Option<Kind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults
            .iter_mut()
            .filter(|fault| path.starts_with(&fault.path))
            .find(|fault| match fault.when {
                When::Always => true,
                When::First(times) => fault.struck < times,
                When::Page(wanted) => wanted == page,
            })?;
        fault.struck += 1;
        Some(fault.kind.clone())
    }
}
