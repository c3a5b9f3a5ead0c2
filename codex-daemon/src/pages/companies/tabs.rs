//! The tabs of a company, one for each part that belongs to it. Tabs are links: the address says which is open.

use axum::http::Uri;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    assets::{AssetFields, AssetStatus},
    claims::{ClaimedResource, wire::RecordClaimsOut},
    companies::Company,
    contacts::ContactFields,
    list::{Cursor, Page, PageRequest},
    locations::LocationFields,
    records::FieldDef,
    tickets::{Ticket, TicketFields, query::TicketFilter, status::Statuses, wire::TicketOut},
};
use serde::Serialize;

use super::{
    plan::{self, PlanView},
    sites::{self, SitesView},
};
use crate::{
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
    pages::{
        address::ROWS,
        fields::{capitalized, label, values},
        table::{Cell, Head, TableView, cells, plain_heads},
        tickets,
        visit::Visit,
    },
};

/// A part of a company's page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Overview,
    Contacts,
    Assets,
    Locations,
    Tickets,
    Plan,
    Sites,
}

impl Tab {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Contacts,
        Self::Assets,
        Self::Locations,
        Self::Tickets,
        Self::Plan,
        Self::Sites,
    ];

    /// The word in the address; of a list the resource's name in the API, too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Contacts => "contacts",
            Self::Assets => "assets",
            Self::Locations => "locations",
            Self::Tickets => "tickets",
            Self::Plan => "plan",
            Self::Sites => "sites",
        }
    }

    /// Whether a caller may open it. Clients see neither plans nor sites.
    pub fn is_visible_to(self, scope: &Scope) -> bool {
        !matches!(self, Self::Plan | Self::Sites) || scope.companies().is_none()
    }
}

/// The query of a company's page.
#[derive(Debug, Default)]
pub(super) struct DetailQuery {
    pub tab: Tab,
    /// Whether fields without a value are shown.
    pub with_empty: bool,
    pub done: Option<String>,
    cursor: Option<Cursor>,
}

impl DetailQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(uri: &Uri) -> Result<Self, Problem> {
        let mut query = Self::default();
        let text = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            match &*name {
                "tab" => {
                    let tab = Tab::ALL.into_iter().find(|tab| tab.word() == value);
                    let words = Tab::ALL.map(Tab::word).join(", ");
                    let refused = || Problem::bad_request(format!("tab: must be one of {words}"));
                    query.tab = tab.ok_or_else(refused)?;
                }
                "cursor" => query.cursor = Some(Cursor::decode(&value)?),
                "empty" => query.with_empty = value == "true",
                "done" => query.done = Some(value.into_owned()),
                _ => {
                    let message = format!("unknown parameter `{name}`");
                    return Err(Problem::bad_request(message));
                }
            }
        }
        Ok(query)
    }

    /// Of a tab.
    pub fn of(tab: Tab) -> Self {
        Self {
            tab,
            ..Self::default()
        }
    }

    /// Whether this is a further page of a list.
    pub fn is_behind(&self) -> bool {
        self.cursor.is_some()
    }

    fn request(&self) -> PageRequest {
        PageRequest {
            limit: Some(ROWS),
            cursor: self.cursor.clone(),
            ..PageRequest::default()
        }
    }
}

/// The content of a tab.
#[derive(Debug)]
pub(super) enum Content {
    /// The fields, with what each source states where the caller may see it.
    Overview {
        claims: Option<RecordClaimsOut>,
        now: DateTime<Utc>,
        /// The token of the forms that release manual values.
        token: String,
    },
    /// A list of what belongs to the company, with a link to the next page.
    List(TableView, Option<Cursor>),
    /// The plan and what is billed.
    Plan(Box<PlanView>),
    /// The sites of the RMM.
    Sites(SitesView),
}

/// Reads the content of the open tab.
pub(super) async fn content(
    visit: &Visit,
    company: &Company,
    query: &DetailQuery,
) -> Result<Content, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let (only, request) = (Some(company.id), query.request());
    Ok(match query.tab {
        Tab::Overview => {
            let mut claims = None;
            if scope.companies().is_none() {
                let number = company.fields.account_number.as_deref().unwrap_or_default();
                let resource = ClaimedResource::Companies;
                claims = Some(codex.record_claims(scope, resource, number).await?.0);
            }
            Content::Overview {
                claims,
                now: codex.now(),
                token: visit.csrf.token(),
            }
        }
        Tab::Contacts => {
            let page = codex.contacts(scope, only, &request).await?;
            let page = page.map(|(contact, _)| contact.fields);
            list(scope, "Contacts", &CONTACTS, page)
        }
        Tab::Assets => {
            let page = codex.assets(scope, only, &request).await?;
            let page = page.map(|(asset, _)| values(&asset.kept()));
            list(scope, "Assets", &ASSETS, page)
        }
        Tab::Locations => {
            let page = codex.company_locations_page(scope, company.id, &request);
            let page = page.await?.map(|location| location.fields);
            list(scope, "Locations", &LOCATIONS, page)
        }
        Tab::Tickets => {
            let filter = TicketFilter {
                company: only,
                ..TicketFilter::default()
            };
            let page = codex.tickets_page(scope, &filter, &request).await?;
            let statuses = codex.ticket_statuses().await?;
            tickets(&visit.at, scope, page, &statuses)
        }
        Tab::Plan => Content::Plan(Box::new(plan::view(visit, company, None).await?)),
        Tab::Sites => Content::Sites(sites::view(visit, company).await?),
    })
}

/// Fields of a kind of record, and which of them are columns. The first names the row.
struct Columns {
    fields: &'static [&'static [FieldDef]],
    names: &'static [&'static str],
}

const CONTACTS: Columns = Columns {
    fields: &[ContactFields::FIELDS],
    names: &[
        "name",
        "email",
        "job_title",
        "work_phone_number",
        "mobile_phone_number",
        "active",
    ],
};
const ASSETS: Columns = Columns {
    fields: &[AssetFields::FIELDS, AssetStatus::FIELDS],
    names: &[
        "hostname",
        "hardware_type",
        "operating_system",
        "last_logged_in_user",
        "online",
        "last_seen",
    ],
};
const LOCATIONS: Columns = Columns {
    fields: &[LocationFields::FIELDS],
    names: &["name", "address", "phone_number"],
};
const TICKETS: Columns = Columns {
    fields: &[TicketFields::FIELDS],
    names: &["subject", "ticket_type", "category"],
};

fn list(scope: &Scope, caption: &str, columns: &Columns, page: Page<impl Serialize>) -> Content {
    let rows = page.items.iter();
    let rows = rows.map(|record| cells(columns.fields, scope, columns.names, &values(record)));
    let table = TableView {
        caption: caption.to_owned(),
        heads: plain_heads(columns.fields, scope, columns.names),
        rows: rows.collect(),
        empty: format!("This company has no {}.", caption.to_lowercase()),
    };
    Content::List(table, page.next)
}

/// Tickets, with the words of their numbers before the fields.
fn tickets(at: &Forwarded, scope: &Scope, page: Page<Ticket>, statuses: &Statuses) -> Content {
    let words = ["number", "status", "priority", "last_updated_at"];
    let heads = words.map(|name| Head {
        label: label(name),
        href: None,
        aria_sort: None,
    });
    let fields = plain_heads(TICKETS.fields, scope, TICKETS.names);
    let rows = page.items.iter().map(|ticket| {
        let out = TicketOut::new(ticket, statuses);
        let status = ticket.fields.status_id.map(|id| statuses.of(id).label);
        let priority = out.priority.as_deref().map(capitalized);
        let changed = out.last_updated_at.format("%Y-%m-%d %H:%M");
        let texts = [
            out.ticket_number.clone(),
            status.unwrap_or_default(),
            priority.unwrap_or_default(),
            changed.to_string(),
        ];
        let mut own = texts.map(|text| Cell {
            text,
            ..Cell::default()
        });
        own[0].href = Some(at.link(&tickets::path_of(ticket.fields.number)));
        let fields = cells(
            TICKETS.fields,
            scope,
            TICKETS.names,
            &values(&ticket.fields),
        );
        own.into_iter().chain(fields).collect::<Vec<_>>()
    });
    let table = TableView {
        caption: "Tickets".to_owned(),
        heads: heads.into_iter().chain(fields).collect(),
        rows: rows.collect(),
        empty: "This company has no tickets.".to_owned(),
    };
    Content::List(table, page.next)
}
