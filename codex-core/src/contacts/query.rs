//! Reading contacts.

use std::collections::HashMap;

use super::{Contact, ContactFields, ShownContact, wire::ContactRow};
use crate::{
    RecordKind, Result,
    companies::{COMPANY_NUMBER, CompanyRef, ComplianceLevel, strictest},
    ids::{CompanyId, ContactId},
    list::{
        ByCompany, ColumnType, Listing, Page, PageRequest, Several, Table, TablePage, TableRows,
        always, column,
    },
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Q},
    tags::{self, query::tag_column},
};

/// What is shown of contacts, with a company of theirs; the select ends before the list of companies.
const OF_COMPANIES: &str = "select l.company_id as of_company, k.id, k.active, k.email, k.employment_type, \
    k.job_title, k.mobile_phone_number, k.name, k.secondary_emails, k.work_phone_number from contact_company l \
    join contacts k on k.id = l.contact_id and k.deleted_at is null where l.company_id in ";

crate::list::staff_fields!(Contact, ContactFields, tags);

sql! {
    /// A live contact.
    FIND = [ContactFields::SELECT, " where id = $1 and deleted_at is null"];
    /// The live companies of a contact, by name.
    COMPANIES_OF = "select c.id, coalesce(c.compliance_level, 'standard') from contact_company l \
        join companies c on c.id = l.company_id where l.contact_id = $1 and c.deleted_at is null \
        order by c.name_fold, c.id";
    /// The live contacts of a company.
    OF_COMPANY = [ContactFields::SELECT, " where deleted_at is null and id in \
        (select contact_id from contact_company where company_id = $1) order by name_fold, id"];
}

/// The companies of a contact.
const OF_A_COMPANY: Several = Several {
    before: "id in (select contact_id from contact_company where company_id in (select c.id from companies c \
        where c.deleted_at is null",
    company: "c.id",
    behind: "))",
};

/// How contacts are searched. The ids come twice: without the first list, the view of links would be made for
/// everybody.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 2,
    kind: RecordKind::Contact,
    access: Contact::READ_BY,
    select: &[
        "select r.id, cast(r.id as text) as key, r.name as title, r.email as detail, c.id as company, \
         c.account_number as number, c.name as company_name from contacts r \
         left join contact_company l on l.contact_id = r.id and l.contact_id in ",
        " left join companies c on c.id = l.company_id and c.deleted_at is null where r.id in ",
    ],
    of_companies: Some(
        " from contact_company l join contacts r on r.id = l.contact_id \
         where r.deleted_at is null and l.company_id in ",
    ),
    path: Some("/api/contacts"),
};

/// Contacts as a list.
pub const LISTING: Listing = Listing {
    select: ContactFields::SELECT,
    from: " from contacts",
    live: "deleted_at is null",
    id: "id",
    search: Some(&SEARCH),
    order: "name",
    fields: &[ContactFields::FIELDS],
    columns: &[
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
        column(COMPANY_NUMBER, "c.account_number", ColumnType::Text).several(OF_A_COMPANY),
        tag_column!("id", "contact"),
    ],
};

/// The list, which can be narrowed to companies.
pub(crate) const LIST: ByCompany = ByCompany {
    listing: &LISTING,
    narrow,
};

/// Contacts as a table.
const TABLE: Table = Table {
    listing: Listing {
        select: "select active, email, id, mobile_phone_number, name, work_phone_number from contacts",
        columns: &[
            always("id", "id", ColumnType::Int),
            // Who is not known to be inactive is shown as active.
            always("active", "coalesce(active, true)", ColumnType::Bool),
        ],
        ..LISTING
    },
    sorts: &["name", "email", "active"],
};

/// The contacts of a company, by name, inactive ones too (contract 1.2.B).
pub async fn of_company(db: &Db, scope: &Scope, company: CompanyId) -> Result<Vec<Contact>> {
    if !scope.sees(Some(company)) {
        return Ok(Vec::new());
    }
    db.query(OF_COMPANY).bind(company).all().await
}

/// Looks a contact up, with the strictest compliance level of those of its companies that the caller sees.
pub async fn find(
    db: &Db,
    scope: &Scope,
    id: ContactId,
) -> Result<Option<(Contact, ComplianceLevel)>> {
    let Some(contact) = db.query(FIND).bind(id).optional::<Contact>().await? else {
        return Ok(None);
    };
    let companies: Vec<(CompanyId, String)> = db.query(COMPANIES_OF).bind(id).all().await?;
    let seen = companies.iter().filter(|(id, _)| scope.sees(Some(*id)));
    let levels: Vec<_> = seen
        .map(|(_, level)| ComplianceLevel::of_stored(Some(level.as_str())))
        .collect();
    let seen = scope.companies().is_none() || !levels.is_empty();
    Ok(seen.then(|| (contact, strictest(levels))))
}

/// A page of contacts by name, of all companies that the caller sees or of one.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range.
pub async fn list(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    request: &PageRequest,
) -> Result<Page<(Contact, ContactCompanies)>> {
    let page = tags::query::page_of::<Contact>(&LISTING, db, scope, company, request).await?;
    with_companies(db, scope, page).await
}

fn narrow(q: &mut Q<'_>, scope: &Scope, company: Option<CompanyId>) {
    if let Some(companies) = scope.within(company) {
        q.push(" and id in (select contact_id from contact_company where company_id in ");
        q.push_list(companies).push(")");
    }
}

/// A page of the table of contacts.
///
/// # Errors
/// [`crate::Error::Invalid`] for a number of rows out of range.
pub(crate) async fn table(
    db: &Db,
    scope: &Scope,
    page: &TablePage,
) -> Result<TableRows<ContactRow>> {
    let narrow = |q: &mut Q<'_>| {
        narrow(q, scope, None);
        if !page.inactive {
            q.push(" and active is not false");
        }
    };
    let mut table: TableRows<ContactRow> = TABLE.rows(db, scope, page, narrow).await?;
    let ids: Vec<ContactId> = table.rows.iter().map(|row| ContactId(row.id)).collect();
    let companies = companies_of(db, &ids).await?;
    for row in &mut table.rows {
        let all = companies.get(&ContactId(row.id)).into_iter().flatten();
        let seen = all.filter(|company| scope.sees(Some(**company)));
        row.company_count = i64::try_from(seen.count()).unwrap_or_default();
    }
    Ok(table)
}

/// Some contacts of such a list, in this order; with their tags on request.
pub(crate) async fn of_ids(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    ids: &[i64],
    tags: bool,
) -> Result<Vec<(Contact, ContactCompanies)>> {
    let items = tags::query::of_ids::<Contact>(db, scope, company, ids, tags).await?;
    let page = Page {
        items,
        next: None,
        total: None,
    };
    Ok(with_companies(db, scope, page).await?.items)
}

/// What is shown of the companies of a contact, as far as the caller sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactCompanies {
    /// Their account numbers, by name; those without one are left out.
    pub account_numbers: Vec<String>,
    /// The strictest of their compliance levels.
    pub compliance_level: ComplianceLevel,
    /// All of them, by name.
    pub companies: Vec<CompanyRef>,
}

/// Adds those of each contact's companies that the caller sees, in one statement.
async fn with_companies(
    db: &Db,
    scope: &Scope,
    page: Page<Contact>,
) -> Result<Page<(Contact, ContactCompanies)>> {
    let mut q = db.query(
        "select l.contact_id, c.account_number, c.name, c.compliance_level from contact_company l \
         join companies c on c.id = l.company_id and c.deleted_at is null where l.contact_id in ",
    );
    q.push_list(page.items.iter().map(|contact| contact.id));
    if let Some(own) = scope.companies() {
        q.push(" and c.id in ").push_list(own.iter().copied());
    }
    q.push(" order by c.name_fold, c.id");
    let mut companies: HashMap<ContactId, Vec<CompanyRef>> = HashMap::new();
    for (id, account_number, name, level) in q
        .all::<(ContactId, Option<String>, String, Option<String>)>()
        .await?
    {
        companies.entry(id).or_default().push(CompanyRef {
            account_number,
            name,
            compliance_level: ComplianceLevel::of_stored(level.as_deref()),
        });
    }
    Ok(page.map(|contact| {
        let companies = companies.remove(&contact.id).unwrap_or_default();
        let numbers = companies.iter();
        let companies = ContactCompanies {
            account_numbers: numbers
                .filter_map(|company| company.account_number.clone())
                .collect(),
            compliance_level: strictest(companies.iter().map(|company| company.compliance_level)),
            companies,
        };
        (contact, companies)
    }))
}

/// A contact of one of its companies.
#[derive(Debug, sqlx::FromRow)]
struct Of {
    of_company: CompanyId,
    #[sqlx(flatten)]
    contact: ShownContact,
}

/// What is shown of the contacts of some companies, by name; somebody of several is there several times.
pub(crate) async fn of_companies(
    db: &Db,
    companies: &[CompanyId],
) -> Result<HashMap<CompanyId, Vec<ShownContact>>> {
    let mut q = db.query(OF_COMPANIES);
    q.push_list(companies.iter().copied());
    q.push(" order by k.name_fold, k.id");
    let mut contacts: HashMap<CompanyId, Vec<ShownContact>> = HashMap::new();
    for row in q.all::<Of>().await? {
        contacts
            .entry(row.of_company)
            .or_default()
            .push(row.contact);
    }
    Ok(contacts)
}

/// The live companies of some contacts.
pub(crate) async fn companies_of(
    db: &Db,
    contacts: &[ContactId],
) -> Result<HashMap<ContactId, Vec<CompanyId>>> {
    let mut q = db.query(
        "select l.contact_id, l.company_id from contact_company l join companies c \
         on c.id = l.company_id and c.deleted_at is null where l.contact_id in ",
    );
    q.push_list(contacts.iter().copied());
    q.push(" order by c.name_fold, c.id");
    let mut companies: HashMap<ContactId, Vec<CompanyId>> = HashMap::new();
    for (contact, company) in q.all::<(ContactId, CompanyId)>().await? {
        companies.entry(contact).or_default().push(company);
    }
    Ok(companies)
}
