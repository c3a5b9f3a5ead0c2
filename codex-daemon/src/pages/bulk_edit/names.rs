//! What the records of a plan are called, in one statement.

use std::collections::HashMap;

use codex_core::{
    address::segment,
    list::{Filter, Op, PageRequest, listed},
    tags::TaggedKind,
};

use super::BulkList;
use crate::{http::problem::Problem, pages::visit::Visit};

/// What a record is called, and its page.
#[derive(Debug, Clone)]
pub(super) struct RecordName {
    pub name: String,
    pub path: String,
}

/// The names of some records that the person sees. A record without a name has its id.
pub(super) async fn of(
    visit: &Visit,
    list: &BulkList,
    ids: &[i64],
) -> Result<HashMap<i64, RecordName>, Problem> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = listed(ids.iter().map(i64::to_string));
    let request = PageRequest {
        filters: vec![Filter::new(&Op::In.parameter("id"), &ids)],
        ..PageRequest::default()
    };
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let name = |id: i64, name: String, key: String| {
        let name = if name.trim().is_empty() {
            format!("{} {id}", list.def.noun)
        } else {
            name
        };
        let path = format!("{}{}", list.def.path, segment(&key));
        (id, RecordName { name, path })
    };
    let names = match list.kind {
        TaggedKind::Company => {
            let page = codex.companies_page(scope, &request).await?;
            let named = page.items.into_iter().map(|company| {
                let number = company.fields.account_number.unwrap_or_default();
                name(company.id.0, company.fields.name, number)
            });
            named.collect()
        }
        TaggedKind::Contact => {
            let page = codex.contacts(scope, None, &request).await?;
            let contacts = page.items.into_iter();
            let named = contacts.map(|(contact, _)| {
                name(contact.id.0, contact.fields.name, contact.id.to_string())
            });
            named.collect()
        }
        TaggedKind::Asset => {
            let page = codex.assets(scope, None, &request).await?;
            let named = page.items.into_iter().map(|(asset, _)| {
                let hostname = asset.fields.hostname.unwrap_or_default();
                name(asset.id.0, hostname, asset.id.to_string())
            });
            named.collect()
        }
    };
    Ok(names)
}
