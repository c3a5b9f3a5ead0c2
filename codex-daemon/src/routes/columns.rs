//! Columns of lists as parameters of their operations.

use codex_core::{
    agents, assets, billing_plans, companies, contacts, duplicates,
    listing::{Kind, Listing},
    locations, tickets,
};
use utoipa::openapi::{
    ObjectBuilder, OpenApi, RefOr, Type,
    path::{ParameterBuilder, ParameterIn},
};

/// The lists that columns filter.
const LISTS: [(&str, &Listing); 11] = [
    ("/api/companies", &companies::query::LISTING),
    ("/api/contacts", &contacts::query::LISTING),
    ("/api/assets", &assets::query::LISTING),
    ("/api/tickets", &tickets::query::LISTING),
    ("/api/agents", &agents::query::LISTING),
    ("/api/billing-plans", &billing_plans::query::LISTING),
    ("/api/duplicates", &duplicates::query::LISTING),
    (
        "/api/companies/{account_number}/assets",
        &assets::query::LISTING,
    ),
    (
        "/api/companies/{account_number}/contacts",
        &contacts::query::LISTING,
    ),
    (
        "/api/companies/{account_number}/users",
        &contacts::query::LISTING,
    ),
    (
        "/api/companies/{account_number}/locations",
        &locations::query::LISTING,
    ),
];

const DESCRIPTION: &str = "Only records of which this column is just so; `__ne`, `__in`, `__lt`, `__lte`, `__gt`, \
    `__gte`, `__contains`, `__startswith` or `__isnull` behind the name compare otherwise";

/// Whether a parameter such as `name__contains` is about a column of the list at a path.
pub fn knows(path: &str, parameter: &str) -> bool {
    let list = LISTS.iter().find(|(own, _)| *own == path);
    list.is_some_and(|(_, listing)| listing.knows(parameter))
}

/// Describes each column that is no parameter of another meaning.
pub fn describe(api: &mut OpenApi) {
    for (path, listing) in LISTS {
        let item = api.paths.paths.get_mut(path);
        let Some(operation) = item.and_then(|item| item.get.as_mut()) else {
            continue;
        };
        let parameters = operation.parameters.get_or_insert_default();
        for column in listing.columns {
            let known = parameters
                .iter()
                .any(|known| matches!(known, RefOr::T(known) if known.name == column.name));
            if known {
                continue;
            }
            let kind = match column.kind {
                Kind::Text | Kind::Folded | Kind::Time => Type::String,
                Kind::Int => Type::Integer,
                Kind::Bool => Type::Boolean,
            };
            let parameter = ParameterBuilder::new()
                .name(column.name)
                .parameter_in(ParameterIn::Query)
                .description(Some(DESCRIPTION))
                .schema(Some(ObjectBuilder::new().schema_type(kind)))
                .build();
            parameters.push(RefOr::T(parameter));
        }
    }
}
