//! Sets of error answers that many operations share, for `responses(...)` of `#[utoipa::path]`.
//!
//! An operation lists a set and then what differs: a later answer replaces one of the set. What every operation can
//! answer is in [`super::answers`] and in no set: 401, 429, a parameter that is wrong, a body that is no JSON.
//!
//! The parameters of a set are who may call ([`Callers`]) and the form of the body: [`ErrorOut`] on the routes whose
//! errors today's modules read as `{"error": ...}`, [`ProblemOut`] elsewhere.
//!
//! [`ErrorOut`]: crate::http::problem::ErrorOut
//! [`ProblemOut`]: crate::http::problem::ProblemOut

use std::{collections::BTreeMap, marker::PhantomData};

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{RefOr, Response},
};

use super::answers::{JSON, answer};
use crate::http::problem::ErrorOut;

type Answers = BTreeMap<String, RefOr<Response>>;

/// Who may call an operation.
pub trait Callers {
    /// What 403 says of it.
    const DESCRIPTION: &'static str;
}

/// Technicians, administrators and services: they may write records.
pub struct Technicians;
/// Billing, administrators and services: they may write plans.
pub struct Billing;
/// Administrators and services.
pub struct Administrators;
/// Everybody but clients.
pub struct NotClients;
/// Everybody but services.
pub struct NotServices;

impl Callers for Technicians {
    const DESCRIPTION: &'static str = "For technicians, administrators and services";
}

impl Callers for Billing {
    const DESCRIPTION: &'static str = "For billing, administrators and services";
}

impl Callers for Administrators {
    const DESCRIPTION: &'static str = "For administrators and services";
}

impl Callers for NotClients {
    const DESCRIPTION: &'static str = "Not for clients";
}

impl Callers for NotServices {
    const DESCRIPTION: &'static str = "Not for services";
}

const NOT_FOUND: &str = "No such record, or none that the caller may see";
const FAULTS: &str = "Every fault of the body";

/// 404: one record that everybody may ask for.
pub struct NotFound<B>(PhantomData<B>);

impl<B: ToSchema> IntoResponses for NotFound<B> {
    fn responses() -> Answers {
        set::<B>(&[("404", NOT_FOUND)])
    }
}

/// 403: what only some callers may do.
pub struct Forbidden<C, B>(PhantomData<(C, B)>);

impl<C: Callers, B: ToSchema> IntoResponses for Forbidden<C, B> {
    fn responses() -> Answers {
        set::<B>(&[("403", C::DESCRIPTION)])
    }
}

/// 403 and 404: to read or delete one record.
pub struct FindErrors<C, B>(PhantomData<(C, B)>);

impl<C: Callers, B: ToSchema> IntoResponses for FindErrors<C, B> {
    fn responses() -> Answers {
        set::<B>(&[("403", C::DESCRIPTION), ("404", NOT_FOUND)])
    }
}

/// 403 and 422: to create a record.
pub struct CreateErrors<C, B>(PhantomData<(C, B)>);

impl<C: Callers, B: ToSchema> IntoResponses for CreateErrors<C, B> {
    fn responses() -> Answers {
        set::<B>(&[("403", C::DESCRIPTION), ("422", FAULTS)])
    }
}

/// 400, 403, 404 and 422: to update a record.
pub struct UpdateErrors<C, B>(PhantomData<(C, B)>);

impl<C: Callers, B: ToSchema> IntoResponses for UpdateErrors<C, B> {
    fn responses() -> Answers {
        let nothing = "The body has no field, or a parameter or a record that it names is wrong";
        set::<B>(&[
            ("400", nothing),
            ("403", C::DESCRIPTION),
            ("404", NOT_FOUND),
            ("422", FAULTS),
        ])
    }
}

/// 400, 403 and 422: to write many records.
pub struct BulkErrors<C, B>(PhantomData<(C, B)>);

impl<C: Callers, B: ToSchema> IntoResponses for BulkErrors<C, B> {
    fn responses() -> Answers {
        let rows = "With `mode=atomic`: every fault of every row; nothing was written";
        set::<B>(&[
            ("400", "Too many rows, or a parameter is wrong"),
            ("403", C::DESCRIPTION),
            ("422", rows),
        ])
    }
}

/// 403 and 503: to start a sync.
pub struct SyncErrors<C>(PhantomData<C>);

impl<C: Callers> IntoResponses for SyncErrors<C> {
    fn responses() -> Answers {
        set::<ErrorOut>(&[
            ("403", C::DESCRIPTION),
            ("503", "The provider is not configured"),
        ])
    }
}

/// 401, 403, 408, 409, 413 and 503: what a vendor reports.
pub struct WebhookErrors;

impl IntoResponses for WebhookErrors {
    fn responses() -> Answers {
        set::<ErrorOut>(&[
            ("401", "Wrong secret or signature"),
            ("403", "Not an address on the list"),
            ("408", "The body did not arrive within ten seconds"),
            ("409", "A signature that was used before"),
            ("413", "Over 1 MiB"),
            ("503", "Webhooks are off, or too many arrive at once"),
        ])
    }
}

/// Statuses and what they mean, all with a body of one form.
fn set<B: ToSchema>(statuses: &[(&str, &str)]) -> Answers {
    let each = statuses.iter().map(|(status, description)| {
        let answer = answer(description, &B::name(), JSON);
        ((*status).to_owned(), RefOr::T(answer))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::problem::ProblemOut;

    #[test]
    fn sets_name_the_schema_of_their_form() {
        let shown = |answers: Answers| serde_json::to_value(answers).unwrap();
        let flat = shown(FindErrors::<NotClients, ErrorOut>::responses());
        assert_eq!(
            flat["403"],
            json!({
                "description": "Not for clients",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}},
            })
        );
        let problem = shown(NotFound::<ProblemOut>::responses());
        let schema = &problem["404"]["content"][JSON]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Problem");
    }
}
