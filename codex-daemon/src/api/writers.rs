//! Who may send what, judged before a body is read: whoever may not write a record does not learn how. Core judges
//! again, by the same roles.

use axum::http::Method;
use codex_core::{Access, Error, Role};

use super::RESOURCES;
use crate::http::problem::Problem;

/// Who may call an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// Everybody but services.
    People,
    /// Everybody but clients.
    Staff,
    Technicians,
    Billing,
    Admins,
}
use Who::{Admins, Billing, People, Staff, Technicians};

impl Who {
    fn has(self, role: Role) -> bool {
        match self {
            People => role != Role::Service,
            Staff => Access::Staff.has(role),
            Admins => Access::Admins.has(role),
            Billing => Access::Billing.has(role),
            Technicians => Access::Technicians.has(role),
        }
    }
}

/// The form of a refusal.
pub(crate) type Form = fn(Problem) -> Problem;
pub(super) const FLAT: Form = Problem::flat;
pub(super) const JOB: Form = Problem::job;
pub(super) const PROBLEM: Form = |problem| problem;

/// An operation with a body, by method and path: who may call it, and the form of a refusal. A test holds all of them
/// against the roles.
pub(crate) type Writer = (&'static str, &'static str, Who, Form);

/// Lets those through who may call an operation.
///
/// # Errors
/// 403, in the form of the operation's own errors.
pub fn require(method: &Method, path: &str, role: Role) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let mut rows = RESOURCES.iter().flat_map(|resource| resource.writers);
    match rows.find(|(of, at, ..)| method == of && *at == path) {
        Some((.., who, form)) if !who.has(role) => Err(form(Error::Forbidden("this call").into())),
        _ => Ok(()),
    }
}
