//! What the Flask service overlooks, kept for its callers: at [`ROUTES`] and nowhere else.
//!
//! * Unknown query parameters are ignored, and so is a value that cannot be read; of a number that is out of range the
//!   nearest one counts.
//! * `limit` alone is ignored by the lists that are bare arrays, and by that of agents: the whole list comes.
//! * A company, status or priority that does not exist leaves nothing: 200 with an empty list.
//! * Without `limit`, lists of tickets and devices have the length that they always had.
//!
//! The header `X-Ignored-Parameters` names what was ignored. `Prefer: handling=strict` ends all of it for one call:
//! then these routes are as strict as every other (`http::handling`).

pub(crate) mod devices;
mod list;
mod params;
pub(crate) mod public_user;

pub(crate) use list::{List, newer_query};
pub(crate) use params::{Params, Wanted};

/// The addresses of the Flask service, without pages and forms.
pub const ROUTES: [&str; 63] = [
    "GET /health",
    "GET /api/health",
    "GET /api/companies",
    "GET /api/companies/bulk",
    "GET /api/companies/{account_number}",
    "GET /api/companies/{account_number}/assets",
    "GET /api/companies/{account_number}/contacts",
    "GET /api/companies/{account_number}/users",
    "GET /api/companies/{account_number}/locations",
    "GET /api/companies/{account_number}/tickets",
    "GET /api/tickets",
    "GET /api/tickets/active",
    "GET /api/ticket/{ticket_id}",
    "POST /api/ticket/{ticket_id}/update",
    "GET /api/datto/devices",
    "GET /api/datto/device/{device_id}",
    "GET /api/rmm/devices",
    "GET /api/rmm/device/{device_id}",
    "GET /api/psa/agents",
    "GET /api/psa/config",
    "GET /api/psa/tickets",
    "GET /api/psa/tickets/active",
    "GET /api/billing-plans",
    "POST /api/billing-plans",
    "GET /api/billing-plans/{id}",
    "PUT /api/billing-plans/{id}",
    "GET /api/billing-plans/{plan_name}/{term_length}",
    "GET /api/feature-options",
    "POST /api/feature-options",
    "GET /api/agents",
    "GET /api/agents/{keycloak_id}",
    "PUT /api/agents/{keycloak_id}/settings",
    "POST /api/agents/sync",
    "GET /api/my/settings",
    "PUT /api/my/settings",
    "GET /api/public/user/theme",
    "GET /api/public/user/home-page",
    "POST /sync/freshservice",
    "POST /sync/psa",
    "POST /sync/datto",
    "POST /sync/tickets",
    "POST /sync/tickets/full-history",
    "POST /sync/create-account-numbers",
    "POST /sync/push-to-datto",
    "POST /sync/agents",
    "GET /sync/status/{job_id}",
    "GET /sync/last/{script}",
    "GET /companies/api/search",
    "GET /companies/{account_number}/locations",
    "POST /companies/{account_number}/locations",
    "DELETE /companies/{account_number}/locations/{id}",
    "PUT /companies/{account_number}/update",
    "GET /contacts/api/search",
    "PUT /contacts/{id}/update",
    "GET /assets/api/search",
    "PUT /assets/{id}/update-contacts",
    "GET /billing-plans/export",
    "GET /billing-plans/api/bulk-plans",
    "GET /billing-plans/api/plans",
    "GET /billing-plans/api/plans/{plan_name}/{term_length}",
    "GET /billing-plans/api/feature-options",
    "GET /billing-plans/api/feature-categories",
    "GET /webhooks/health",
];
