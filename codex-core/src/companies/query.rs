//! Reading companies.

use std::collections::HashMap;

use super::{Company, CompanyFields, CompanyRef, ComplianceLevel, aliases, wire::CompanyRow};
use crate::{
    RecordKind, Result,
    fold::IdentityKey,
    ids::CompanyId,
    list::{
        ByCompany, Column, ColumnType, Listing, Page, PageRequest, Table, TablePage, TableRows,
        always, column,
    },
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Q},
    tags::{self, query::tag_column},
};

crate::list::staff_fields!(Company, CompanyFields, tags);

sql! {
    /// A live company by its number.
    FIND = [CompanyFields::SELECT, " where account_number = $1 and deleted_at is null"];
    /// A live company by its row id.
    FIND_BY_ID = [CompanyFields::SELECT, " where id = $1 and deleted_at is null"];
    /// All live companies with a number: consumers need one.
    ALL = [CompanyFields::SELECT,
        " where deleted_at is null and account_number is not null order by name_fold, id"];
    /// Their ids, in the same order.
    IDS = "select id from companies \
        where deleted_at is null and account_number is not null order by name_fold, id";
    /// The live companies opened to a user.
    OF_USER = "select u.company_id from user_companies u join companies c on c.id = u.company_id \
        and c.deleted_at is null where u.user_sub = $1";
    /// Active contacts with an e-mail address: one, or more than one.
    WITH_EMAIL = "select id from contacts where email_key = $1 and deleted_at is null \
        and coalesce(active, true) limit 2";
    /// The live companies of a contact.
    OF_CONTACT = "select l.company_id from contact_company l join companies c on c.id = l.company_id \
        and c.deleted_at is null where l.contact_id = $1";
    /// Live companies without a number, and all.
    WITHOUT_NUMBER = "select count(*) - count(account_number), count(*) from companies \
        where deleted_at is null";
}

/// How many live companies have no account number, and how many there are.
pub(crate) async fn without_number(db: &Db) -> Result<(i64, i64)> {
    let counts = db.query(WITHOUT_NUMBER).optional().await?;
    Ok(counts.unwrap_or_default())
}

/// How companies are searched. A hit of a company does not name a company beside it.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 1,
    kind: RecordKind::Company,
    access: Company::READ_BY,
    select: &[
        "select r.id, r.account_number as key, r.name as title, r.description as detail, r.id as company, \
         cast(null as text) as number, cast(null as text) as company_name from companies r where r.id in ",
    ],
    of_companies: Some(" from companies r where r.deleted_at is null and r.id in "),
    path: Some("/api/companies"),
};

/// Companies as a list.
pub const LISTING: Listing = Listing {
    select: CompanyFields::SELECT,
    from: " from companies",
    live: "deleted_at is null and account_number is not null",
    id: "id",
    search: Some(&SEARCH),
    order: "name",
    fields: &[CompanyFields::FIELDS],
    columns: &[
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
        tag_column!("id", "company"),
    ],
};

/// The list, which can be narrowed to companies.
pub(crate) const LIST: ByCompany = ByCompany {
    listing: &LISTING,
    narrow,
};

/// Companies without an account number as a list.
const UNNUMBERED: Listing = Listing {
    live: "deleted_at is null and account_number is null",
    ..LISTING
};

const PLAN: &str = "plan_selected";

/// Companies as a table: those without a number too.
const TABLE: Table = Table {
    listing: Listing {
        select: "select account_number, contract_end_date, description, email_system, name, phone_system, \
            plan_selected from companies",
        live: "deleted_at is null",
        columns: &[
            always("id", "id", ColumnType::Int),
            column("account_number", "account_number", ColumnType::Text),
            Column {
                staff: true,
                ..column(PLAN, PLAN, ColumnType::Text)
            },
        ],
        ..LISTING
    },
    sorts: &[
        "name",
        "account_number",
        PLAN,
        "email_system",
        "phone_system",
        "contract_end_date",
    ],
};

/// A page of the companies that the caller sees, by name.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range, an unknown column or one that the caller does not see, a
/// value that does not fit its column.
pub async fn page(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Page<Company>> {
    tags::query::page_of(&LISTING, db, scope, None, request).await
}

/// A page of the companies without an account number that the caller sees, by name.
///
/// # Errors
/// As [`page`].
pub(crate) async fn unnumbered(
    db: &Db,
    scope: &Scope,
    request: &PageRequest,
) -> Result<Page<Company>> {
    tags::query::page_of(&UNNUMBERED, db, scope, None, request).await
}

/// The row ids of all companies of a list, in its order.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list.
pub(crate) async fn listed_ids(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<i64>> {
    LISTING
        .ids(db, scope, request, |q| narrow(q, scope, None))
        .await
}

/// Some companies of such a list with their tags, in this order.
pub(crate) async fn listed_of_ids(db: &Db, scope: &Scope, ids: &[i64]) -> Result<Vec<Company>> {
    tags::query::of_ids(db, scope, None, ids, true).await
}

fn narrow(q: &mut Q<'_>, scope: &Scope, company: Option<CompanyId>) {
    if let Some(companies) = scope.within(company) {
        q.push(" and id in ").push_list(companies);
    }
}

/// A page of the table of companies.
///
/// # Errors
/// [`crate::Error::Invalid`] for a number of rows out of range.
pub(crate) async fn table(
    db: &Db,
    scope: &Scope,
    page: &TablePage,
) -> Result<TableRows<CompanyRow>> {
    let narrow = |q: &mut Q<'_>| narrow(q, scope, None);
    let mut table: TableRows<CompanyRow> = TABLE.rows(db, scope, page, narrow).await?;
    if !TABLE.shows(scope, PLAN) {
        for row in &mut table.rows {
            row.plan_selected = None;
        }
    }
    Ok(table)
}

/// All companies with a number that the caller sees, by name.
pub async fn list(db: &Db, scope: &Scope) -> Result<Vec<Company>> {
    let mut companies: Vec<Company> = db.query(ALL).all().await?;
    companies.retain(|company| scope.sees(Some(company.id)));
    Ok(companies)
}

/// The ids of all companies with a number that the caller sees, by name.
pub(crate) async fn ids(db: &Db, scope: &Scope) -> Result<Vec<CompanyId>> {
    let mut ids: Vec<CompanyId> = db.query(IDS).scalars().await?;
    ids.retain(|id| scope.sees(Some(*id)));
    Ok(ids)
}

/// Those of some companies that are live, have a number and are seen by the caller, by name.
pub(crate) async fn of_ids(db: &Db, scope: &Scope, ids: &[CompanyId]) -> Result<Vec<Company>> {
    let mut q = db.query(CompanyFields::SELECT);
    q.push(" where deleted_at is null and account_number is not null and id in ");
    q.push_list(ids.iter().copied().filter(|id| scope.sees(Some(*id))));
    q.push(" order by name_fold, id");
    q.all().await
}

/// What records show of some companies, deleted ones too; one statement.
pub(crate) async fn refs(
    db: &Db,
    companies: impl IntoIterator<Item = CompanyId>,
) -> Result<HashMap<CompanyId, CompanyRef>> {
    let mut q =
        db.query("select id, account_number, name, compliance_level from companies where id in ");
    q.push_list(companies);
    let rows: Vec<(CompanyId, Option<String>, String, Option<String>)> = q.all().await?;
    let company = |(id, account_number, name, level): (_, _, _, Option<String>)| {
        let company = CompanyRef {
            account_number,
            name,
            compliance_level: ComplianceLevel::of_stored(level.as_deref()),
        };
        (id, company)
    };
    Ok(rows.into_iter().map(company).collect())
}

/// What answers show of the company of a record.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct CompanyKeys {
    id: CompanyId,
    pub account_number: Option<String>,
    compliance_level: Option<String>,
}

impl CompanyKeys {
    pub fn compliance_level(&self) -> ComplianceLevel {
        ComplianceLevel::of_stored(self.compliance_level.as_deref())
    }
}

/// The [`CompanyKeys`] of each of some companies that the caller sees; one statement.
pub(crate) async fn company_keys(
    db: &Db,
    scope: &Scope,
    companies: impl IntoIterator<Item = CompanyId>,
) -> Result<HashMap<CompanyId, CompanyKeys>> {
    let mut q = db.query(
        "select id, account_number, compliance_level from companies where deleted_at is null and id in ",
    );
    q.push_list(companies);
    let company_keys: Vec<CompanyKeys> = q.all().await?;
    let seen = company_keys
        .into_iter()
        .filter(|mark| scope.sees(Some(mark.id)));
    Ok(seen.map(|mark| (mark.id, mark)).collect())
}

/// Looks a company up by its account number, or one that it had before; `None` when there is none that
/// the caller sees.
pub async fn find(db: &Db, scope: &Scope, account_number: &str) -> Result<Option<Company>> {
    let company: Option<Company> = db.query(FIND).bind(account_number).optional().await?;
    if company.is_none()
        && let Some(id) = aliases::holder(db, account_number).await?
    {
        return find_by_id(db, scope, id).await;
    }
    Ok(company.filter(|company| scope.sees(Some(company.id))))
}

/// Looks a company up by its row id.
pub async fn find_by_id(db: &Db, scope: &Scope, id: CompanyId) -> Result<Option<Company>> {
    let company: Option<Company> = db.query(FIND_BY_ID).bind(id).optional().await?;
    Ok(company.filter(|company| scope.sees(Some(company.id))))
}

/// The companies of a client user: those that an administrator opened to `sub`, else those of
/// exactly one active contact with the e-mail address.
pub async fn of_client(db: &Db, sub: &str, email: Option<&str>) -> Result<Vec<CompanyId>> {
    let opened: Vec<CompanyId> = db.query(OF_USER).bind(sub).scalars().await?;
    if !opened.is_empty() {
        return Ok(opened);
    }
    let Some(email) = email.and_then(IdentityKey::of) else {
        return Ok(Vec::new());
    };
    // The contact first: joined with what its address leads to, the view of links would be made for everybody.
    let people: Vec<i64> = db.query(WITH_EMAIL).bind(email).scalars().await?;
    match people[..] {
        [person] => db.query(OF_CONTACT).bind(person).scalars().await,
        _ => Ok(Vec::new()),
    }
}
