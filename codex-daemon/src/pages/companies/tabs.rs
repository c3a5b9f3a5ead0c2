//! The tabs of a company, one for each part that belongs to it.

use codex_core::{
    Access, Scope,
    address::segment,
    companies::{COMPANY_NUMBER, COMPANY_NUMBERS, Company},
    list::{Page, PageRequest},
    records::FieldDef,
    tickets::{Ticket, TicketFields, query::TicketFilter, status::Statuses, wire::TicketOut},
};

use super::{plan, sites};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        assets::Assets,
        contacts::Contacts,
        fields::{capitalized, label, values},
        locations::Locations,
        record::{Part, RecordPages, TabDef, filtered, table},
        table::{Cell, Head, TableView, cells, plain_heads},
        tickets::path_of,
        visit::Visit,
    },
};

/// All of them, of a list by the resource's name in the API. Clients see neither plans nor sites.
pub(super) const TABS: &[TabDef] = &[
    tab("contacts", Access::Everyone),
    tab("assets", Access::Everyone),
    tab("locations", Access::Everyone),
    tab("tickets", Access::Everyone),
    tab(PLAN, Access::Staff),
    tab(SITES, Access::Staff),
];

/// The tabs with templates of their own.
pub(super) const PLAN: &str = "plan";
pub(super) const SITES: &str = "sites";

const fn tab(word: &'static str, access: Access) -> TabDef {
    TabDef { word, access }
}

/// The columns of contacts; their company is this one.
const CONTACTS: [&str; 6] = [
    "name",
    "email",
    "job_title",
    "work_phone_number",
    "mobile_phone_number",
    "active",
];
const ASSETS: [&str; 6] = [
    "hostname",
    "hardware_type",
    "operating_system",
    "last_logged_in_user",
    "online",
    "last_seen",
];
const LOCATIONS: [&str; 3] = ["name", "address", "phone_number"];

/// Reads the content of a tab.
pub(super) async fn part(
    visit: &Visit,
    company: &Company,
    tab: &str,
    request: &PageRequest,
) -> Result<Part, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let only = Some(company.id);
    let mut part = match tab {
        "contacts" => {
            let page = codex.contacts(scope, only, request).await?;
            let create = ("New contact", COMPANY_NUMBERS);
            list::<Contacts>(visit, company, &CONTACTS, page, create)
        }
        "assets" => {
            let page = codex.assets(scope, only, request).await?;
            let create = ("New asset", COMPANY_NUMBER);
            list::<Assets>(visit, company, &ASSETS, page, create)
        }
        "locations" => {
            let page = codex.company_locations_page(scope, company.id, request);
            // Its company is known.
            let page = page.await?.map(|location| (location, None));
            let create = ("New location", COMPANY_NUMBER);
            list::<Locations>(visit, company, &LOCATIONS, page, create)
        }
        "tickets" => {
            let filter = TicketFilter {
                company: only,
                ..TicketFilter::default()
            };
            let page = codex.tickets_page(scope, &filter, request).await?;
            let statuses = codex.ticket_statuses().await?;
            let mut part = tickets(&visit.at, scope, page, &statuses);
            part.list = numbered(company, |number| {
                filtered("/tickets/", COMPANY_NUMBER, number)
            });
            part
        }
        PLAN => return Part::of_template(&plan::view(visit, company, None).await?),
        _ => return Part::of_template(&sites::view(visit, company).await?),
    };
    part.json = numbered(company, |number| {
        format!("/api/companies/{}/{tab}", segment(number))
    });
    Ok(part)
}

/// What is made of the account number of a company that has one.
fn numbered(company: &Company, of: impl Fn(&str) -> String) -> Option<String> {
    company.fields.account_number.as_deref().map(of)
}

/// Records of a company. `create` is the label of the link to create one, and the input that names the company.
fn list<R: RecordPages>(
    visit: &Visit,
    company: &Company,
    columns: &[&str],
    page: Page<R::Found>,
    create: (&'static str, &str),
) -> Part {
    let def = R::DEF;
    let empty = format!("This company has no {}.", def.title.to_lowercase());
    let (at, now) = (&visit.at, visit.call.codex.now());
    let new = format!("{}new", def.path);
    Part {
        next: page.next,
        list: numbered(company, |number| filtered(def.path, COMPANY_NUMBER, number)),
        create: numbered(company, |number| filtered(&new, create.1, number))
            .map(|path| (create.0, path)),
        ..Part::of(table::<R>(
            at,
            visit.scope(),
            columns,
            &page.items,
            now,
            empty,
        ))
    }
}

/// Fields of tickets, and which of them are columns.
const TICKETS: (&[&[FieldDef]], &[&str]) = (
    &[TicketFields::FIELDS],
    &["subject", "ticket_type", "category"],
);

/// Tickets, with the words of their numbers before the fields.
fn tickets(at: &Forwarded, scope: &Scope, page: Page<Ticket>, statuses: &Statuses) -> Part {
    let (fields, names) = TICKETS;
    let words = ["number", "status", "priority", "last_updated_at"];
    let heads = words.map(|name| Head {
        label: label(name),
        href: None,
        aria_sort: None,
    });
    let plain = plain_heads(fields, scope, names);
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
        let mut own = texts.map(Cell::of);
        own[0].href = Some(at.link(&path_of(ticket.fields.number)));
        let fields = cells(fields, scope, names, &values(&ticket.fields));
        own.into_iter().chain(fields).collect::<Vec<_>>()
    });
    let table = TableView {
        caption: "Tickets".to_owned(),
        heads: heads.into_iter().chain(plain).collect(),
        rows: rows.collect(),
        empty: "This company has no tickets.".to_owned(),
    };
    Part {
        next: page.next,
        ..Part::of(table)
    }
}
