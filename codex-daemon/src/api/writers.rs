//! Who may send what, judged before a body is read: whoever may not write a record is not told how to. Core judges
//! again, by the same roles.

use axum::http::Method;
use codex_core::{Access, Error, Role};

use crate::http::problem::Problem;

#[derive(Debug, Clone, Copy)]
enum Who {
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
type Form = fn(Problem) -> Problem;
const FLAT: Form = Problem::flat;
const JOB: Form = Problem::job;
const PROBLEM: Form = |problem| problem;

/// Every operation with a body whose callers are not all who have a token. A test holds it against the roles.
const WRITERS: [(&str, &str, Who, Form); 35] = [
    ("POST", "/api/agents", Admins, PROBLEM),
    ("PUT", "/api/agents/{keycloak_id}", Admins, PROBLEM),
    (
        "PUT",
        "/api/agents/{keycloak_id}/companies",
        Admins,
        PROBLEM,
    ),
    ("PUT", "/api/agents/{keycloak_id}/settings", Admins, PROBLEM),
    ("POST", "/api/assets", Technicians, FLAT),
    ("POST", "/api/assets/bulk", Technicians, FLAT),
    ("PUT", "/api/assets/{id}", Technicians, FLAT),
    ("POST", "/api/billing-plans", Billing, FLAT),
    ("POST", "/api/billing-plans/import", Billing, FLAT),
    ("PUT", "/api/billing-plans/{id}", Billing, FLAT),
    ("POST", "/api/companies", Technicians, FLAT),
    ("POST", "/api/companies/bulk", Technicians, FLAT),
    ("PUT", "/api/companies/{account_number}", Technicians, FLAT),
    (
        "POST",
        "/api/companies/{account_number}/locations",
        Technicians,
        FLAT,
    ),
    (
        "PUT",
        "/api/companies/{account_number}/locations/{id}",
        Technicians,
        FLAT,
    ),
    (
        "PUT",
        "/api/companies/{account_number}/overrides/{key}",
        Billing,
        FLAT,
    ),
    (
        "POST",
        "/api/companies/{account_number}/renumber",
        Admins,
        FLAT,
    ),
    ("POST", "/api/contacts", Technicians, FLAT),
    ("POST", "/api/contacts/bulk", Technicians, FLAT),
    ("PUT", "/api/contacts/{id}", Technicians, FLAT),
    (
        "POST",
        "/api/duplicates/{duplicate_id}/merge",
        Technicians,
        PROBLEM,
    ),
    ("POST", "/api/feature-options", Billing, FLAT),
    ("PUT", "/api/my/settings", People, FLAT),
    ("POST", "/api/tags", Technicians, PROBLEM),
    ("PUT", "/api/tags/{id}", Technicians, PROBLEM),
    ("POST", "/api/tags/{id}/add", Technicians, PROBLEM),
    ("POST", "/api/tags/{id}/remove", Technicians, PROBLEM),
    ("POST", "/api/ticket/{ticket_id}/update", Technicians, JOB),
    ("POST", "/api/views", Staff, PROBLEM),
    // Whose view it is decides further.
    ("PUT", "/api/views/{id}", Staff, PROBLEM),
    ("PUT", "/assets/{id}/update-contacts", Technicians, FLAT),
    (
        "POST",
        "/companies/{account_number}/locations",
        Technicians,
        FLAT,
    ),
    (
        "PUT",
        "/companies/{account_number}/locations/{id}",
        Technicians,
        FLAT,
    ),
    (
        "PUT",
        "/companies/{account_number}/update",
        Technicians,
        FLAT,
    ),
    ("PUT", "/contacts/{id}/update", Technicians, FLAT),
];

/// Lets those through who may call an operation.
///
/// # Errors
/// 403, in the form of the operation's own errors.
pub fn require(method: &Method, path: &str, role: Role) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let mut rows = WRITERS.iter();
    match rows.find(|(of, at, ..)| method == of && *at == path) {
        Some((.., who, form)) if !who.has(role) => Err(form(Error::Forbidden("this call").into())),
        _ => Ok(()),
    }
}
