//! Lists that are exported as a request leaves them, in their order.
//!
//! The row ids are read first: a record that changes meanwhile, and would move in the list, is there once.

use super::{
    ListDef,
    resources::{
        write_asset_rows, write_company_rows, write_contact_rows, write_location_rows,
        write_ticket_rows,
    },
};
use crate::{
    assets, companies, contacts, locations,
    tickets::{self, service::PAGE},
};

/// Companies with an account number.
pub(super) const COMPANIES: ListDef = ListDef {
    ids: |codex, scope, request| {
        Box::pin(companies::query::listed_ids(&codex.0.db, scope, request))
    },
    write: |codex, scope, ids, rows| {
        Box::pin(async move {
            let companies = companies::query::listed_of_ids(&codex.0.db, scope, ids).await?;
            write_company_rows(scope, &companies, rows).await
        })
    },
};

/// Contacts.
pub(super) const CONTACTS: ListDef = ListDef {
    ids: |codex, scope, request| {
        Box::pin(contacts::query::LIST.ids(&codex.0.db, scope, None, request))
    },
    write: |codex, scope, ids, rows| {
        Box::pin(async move {
            let contacts = contacts::query::of_ids(&codex.0.db, scope, None, ids, true).await?;
            write_contact_rows(scope, &contacts, rows).await
        })
    },
};

/// Assets.
pub(super) const ASSETS: ListDef = ListDef {
    ids: |codex, scope, request| {
        Box::pin(assets::query::LIST.ids(&codex.0.db, scope, None, request))
    },
    write: |codex, scope, ids, rows| {
        Box::pin(async move {
            let assets = assets::query::of_ids(&codex.0.db, scope, None, ids, true).await?;
            write_asset_rows(scope, &assets, rows).await
        })
    },
};

/// Tickets. Each has its conversations, so few are read at once.
pub(super) const TICKETS: ListDef = ListDef {
    ids: |codex, scope, request| {
        Box::pin(async move {
            let statuses = codex.ticket_statuses().await?;
            tickets::query::ids(&codex.0.db, scope, request, &statuses).await
        })
    },
    write: |codex, scope, ids, rows| {
        Box::pin(async move {
            let statuses = codex.ticket_statuses().await?;
            for ids in ids.chunks(PAGE as usize) {
                let exported = codex.exported_tickets(scope, ids).await?;
                write_ticket_rows(exported, &statuses, rows).await?;
            }
            Ok(())
        })
    },
};

/// Locations.
pub(super) const LOCATIONS: ListDef = ListDef {
    ids: |codex, scope, request| Box::pin(locations::query::ids(&codex.0.db, scope, request)),
    write: |codex, scope, ids, rows| {
        Box::pin(async move {
            let locations = locations::query::of_ids(&codex.0.db, scope, ids).await?;
            write_location_rows(codex, scope, &locations, rows).await
        })
    },
};
