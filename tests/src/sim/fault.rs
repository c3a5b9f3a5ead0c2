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
    /// That call only, counted from 1 since the fault was added.
    Nth(u32),
    /// That call and all after it.
    From(u32),
    /// That page only, counted as the vendor counts.
    Page(u32),
}

/// What happens instead of the right answer.
///
/// Faults of lists (`EmptyList`, `NullItem`, links ...) leave the answer of a single record as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// A status with the body that the vendor has for it.
    Status(u16),
    /// 429 with this `Retry-After`.
    RateLimited(Option<String>),
    /// 200 with a page for people: maintenance, login, firewall.
    Html,
    /// The body ends in the middle, and its length says that this is all.
    HalfBody,
    /// The connection breaks in the middle of the body.
    CutOff,
    /// The connection breaks before there is an answer.
    DropConnection,
    /// The list is empty, with a proper end.
    EmptyList,
    /// The body is `null`.
    NullBody,
    /// The first item is null.
    NullItem,
    /// The item at this place of the page is null.
    NullItemAt(usize),
    /// The first item has an id of the wrong type and lacks its other members (trap 61b).
    MalformedItem,
    /// The last third of the items is missing, and the list ends here.
    Truncated,
    /// The items of the page before come again; links and counts are those of the page asked for.
    Repeat,
    /// The items are under a name that nobody knows, without an envelope.
    NoEnvelope,
    /// `pageDetails` is missing (Datto).
    MissingPageDetails,
    /// The next page is on another host.
    ForeignLink,
    /// The next page is this page.
    SelfLink,
    /// The answer comes this much later.
    Hang(Duration),
    /// One item of a list becomes something else ([`super::mutant::spoil`]).
    Mutant {
        /// Its id.
        id: String,
        /// The id of another item.
        other: String,
        /// What becomes of it.
        seed: u64,
    },
}

#[derive(Debug)]
struct Fault {
    path: String,
    when: When,
    kind: FaultKind,
    seen: u32,
}

impl Fault {
    fn is_at(&self, path: &str) -> bool {
        if let Some(whole) = self.path.strip_suffix('$') {
            return path == whole;
        }
        match self.path.split_once('*') {
            Some((start, end)) => path
                .strip_prefix(start)
                .is_some_and(|rest| rest.ends_with(end)),
            None => path.starts_with(&self.path),
        }
    }

    fn strikes(&self, page: u32) -> bool {
        match self.when {
            When::Always => true,
            When::First(times) => self.seen <= times,
            When::Nth(number) => self.seen == number,
            When::From(number) => self.seen >= number,
            When::Page(wanted) => wanted == page,
        }
    }
}

/// The faults that a simulator has at the moment.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault to all paths that start with `path`; `/api/v2/agents/` are the single agents, and
    /// `/api/v2/agents$` is the list alone. A `*` stands for anything: `/api/v2/tickets/*/time_entries`.
    pub fn add(&self, path: &str, when: When, kind: FaultKind) {
        let fault = Fault {
            path: path.to_owned(),
            when,
            kind,
            seen: 0,
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

    /// The fault that strikes this call: of several, the one that was added first.
    pub(super) fn strike(&self, path: &str, page: u32) -> Option<FaultKind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for fault in faults.iter_mut().filter(|fault| fault.is_at(path)) {
            fault.seen += 1;
            if struck.is_none() && fault.strikes(page) {
                struck = Some(fault.kind.clone());
            }
        }
        struck
    }
}
