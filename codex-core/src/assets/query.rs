//! Reading assets: always with their status, never with their secrets.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Asset, AssetFields, AssetStatus, ShownAsset, wire::AssetRow};
use crate::{
    RecordKind, Result,
    companies::{self, COMPANY_NUMBER, CompanyRef, ComplianceLevel},
    ids::{AssetId, CompanyId},
    list::{
        ByCompany, ColumnType, Listing, Page, PageRequest, StaffFields, Table, TablePage,
        TableRows, always, column, term::found,
    },
    records::{FieldDef, Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Q},
    tags::{self, query::tag_column},
};

/// An asset with the columns of its status; the select ends before the condition.
const SELECT: &str = const_concat!(
    "select a.*, ",
    AssetStatus::SELECTED,
    " from (",
    AssetFields::SELECT,
    ") a left join asset_status s on s.asset_id = a.id"
);

/// What is shown of an asset; the select ends before the condition.
const SHOWN: &str = "select a.id, a.company_id, a.antivirus_product, a.backup_bytes, a.device_type, a.domain, \
     s.ext_ip_address, a.hardware_type, a.hostname, a.int_ip_address, s.last_logged_in_user, s.last_seen, \
     s.online, a.operating_system from assets a left join asset_status s on s.asset_id = a.id";

/// How assets are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 3,
    kind: RecordKind::Asset,
    access: Asset::READ_BY,
    select: &[
        "select r.id, cast(r.id as text) as key, r.hostname as title, r.operating_system as detail, \
         c.id as company, c.account_number as number, c.name as company_name from assets r \
         left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    ],
    of_companies: Some(" from assets r where r.deleted_at is null and r.company_id in "),
    path: Some("/api/assets"),
};

/// Assets as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from assets a left join asset_status s on s.asset_id = a.id",
    live: "a.deleted_at is null",
    id: "a.id",
    search: Some(&SEARCH),
    order: "hostname",
    fields: &[AssetFields::FIELDS, AssetStatus::FIELDS],
    columns: &[
        always("id", "a.id", ColumnType::Int),
        always("created_at", "a.created_at", ColumnType::Time),
        always("updated_at", "a.updated_at", ColumnType::Time),
        column(
            COMPANY_NUMBER,
            "(select c.account_number from companies c where c.id = a.company_id)",
            ColumnType::Text,
        ),
        tag_column!("a.id", "asset"),
    ],
};

/// The list, which can be narrowed to companies.
pub(crate) const LIST: ByCompany = ByCompany {
    listing: &LISTING,
    narrow,
};

/// Assets as a table. They are searched by the names of their companies too, which is no search of a list.
const TABLE: Table = Table {
    listing: Listing {
        select: "select a.antivirus_product, c.account_number as company_account_number, \
            c.name as company_name, a.description, a.domain, s.ext_ip_address, a.hardware_type, a.hostname, a.id, \
            a.int_ip_address, s.last_logged_in_user, s.last_seen, s.online, a.operating_system, s.patch_status, \
            a.web_remote_url from assets a left join asset_status s on s.asset_id = a.id \
            left join companies c on c.id = a.company_id and c.deleted_at is null",
        search: None,
        columns: &[
            always("id", "a.id", ColumnType::Int),
            // What has never reported is shown as offline.
            always("online", "coalesce(s.online, false)", ColumnType::Bool),
        ],
        ..LISTING
    },
    sorts: &["hostname", "hardware_type", "operating_system", "online"],
};

impl StaffFields for Asset {
    const FIELDS: &'static [&'static [FieldDef]] = &[AssetFields::FIELDS, AssetStatus::FIELDS];
    const BESIDE: &'static [&'static str] = &[tags::FIELD];

    fn staff_fields(&self) -> Map<String, Value> {
        let mut fields = Self::for_staff(&self.kept());
        fields.insert(tags::FIELD.to_owned(), json!(self.tags));
        fields
    }
}

sql! {
    /// A live asset.
    FIND = [SELECT, " where a.id = $1 and a.deleted_at is null"];
    /// The live assets of a company.
    OF_COMPANY = [SELECT,
        " where a.company_id = $1 and a.deleted_at is null order by a.hostname_fold, a.id"];
    /// The compliance level of a company.
    COMPLIANCE = "select coalesce(compliance_level, 'standard') from companies where id = $1";
}

/// The assets of a company, by host name.
pub async fn of_company(db: &Db, scope: &Scope, company: CompanyId) -> Result<Vec<Asset>> {
    if !scope.sees(Some(company)) {
        return Ok(Vec::new());
    }
    db.query(OF_COMPANY).bind(company).all().await
}

/// Looks an asset up, with the compliance level of its company.
pub async fn find(db: &Db, scope: &Scope, id: AssetId) -> Result<Option<(Asset, ComplianceLevel)>> {
    let asset: Option<Asset> = db.query(FIND).bind(id).optional().await?;
    let Some(asset) = asset.filter(|asset| scope.sees(asset.fields.company_id)) else {
        return Ok(None);
    };
    let level: Option<String> = match asset.fields.company_id {
        Some(company) => db.query(COMPLIANCE).bind(company).scalar().await?,
        None => None,
    };
    Ok(Some((asset, ComplianceLevel::of_stored(level.as_deref()))))
}

/// A page of assets by host name, of all companies that the caller sees or of one, each with its company.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range.
pub async fn list(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    request: &PageRequest,
) -> Result<Page<(Asset, Option<CompanyRef>)>> {
    let page = tags::query::page_of::<Asset>(&LISTING, db, scope, company, request).await?;
    with_companies(db, page).await
}

fn narrow(q: &mut Q<'_>, scope: &Scope, company: Option<CompanyId>) {
    if let Some(companies) = scope.within(company) {
        q.push(" and a.company_id in ").push_list(companies);
    }
}

/// A page of the table of assets.
///
/// # Errors
/// [`crate::Error::Invalid`] for a number of rows out of range.
pub(crate) async fn table(db: &Db, scope: &Scope, page: &TablePage) -> Result<TableRows<AssetRow>> {
    let term = page.term();
    let narrow = |q: &mut Q<'_>| {
        narrow(q, scope, None);
        if let Some(term) = &term {
            q.push(" and (");
            found(q, db.engine(), &SEARCH, "a.id", term);
            q.push(" or ");
            let companies = &companies::query::SEARCH;
            found(q, db.engine(), companies, "a.company_id", term);
            q.push(")");
        }
    };
    let mut table: TableRows<AssetRow> = TABLE.rows(db, scope, page, narrow).await?;
    for row in &mut table.rows {
        for (name, value) in [
            ("description", &mut row.description),
            ("patch_status", &mut row.patch_status),
            // The way to take a device over.
            ("web_remote_url", &mut row.web_remote_url),
        ] {
            if !TABLE.shows(scope, name) {
                *value = None;
            }
        }
    }
    Ok(table)
}

/// Some assets of such a list, in this order; with their tags on request.
pub(crate) async fn of_ids(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    ids: &[i64],
    tags: bool,
) -> Result<Vec<(Asset, Option<CompanyRef>)>> {
    let items = tags::query::of_ids::<Asset>(db, scope, company, ids, tags).await?;
    let page = Page {
        items,
        next: None,
        total: None,
    };
    Ok(with_companies(db, page).await?.items)
}

/// The companies of assets, in one statement.
pub(crate) async fn companies_of(
    db: &Db,
    assets: &[Asset],
) -> Result<HashMap<CompanyId, CompanyRef>> {
    let ids = assets.iter().filter_map(|asset| asset.fields.company_id);
    companies::query::refs(db, ids).await
}

async fn with_companies(db: &Db, page: Page<Asset>) -> Result<Page<(Asset, Option<CompanyRef>)>> {
    let companies = companies_of(db, &page.items).await?;
    Ok(page.map(|asset| {
        let company = asset.fields.company_id;
        let company = company.and_then(|id| companies.get(&id)).cloned();
        (asset, company)
    }))
}

/// What is shown of the assets of some companies, by company and host name.
pub(crate) async fn of_companies(
    db: &Db,
    companies: &[CompanyId],
) -> Result<HashMap<CompanyId, Vec<ShownAsset>>> {
    let mut q = db.query(SHOWN);
    q.push(" where a.deleted_at is null and a.company_id in ")
        .push_list(companies.iter().copied());
    q.push(" order by a.company_id, a.hostname_fold, a.id");
    let mut assets: HashMap<CompanyId, Vec<ShownAsset>> = HashMap::new();
    for asset in q.all::<ShownAsset>().await? {
        let company = asset.company_id.unwrap_or_default();
        assets.entry(company).or_default().push(asset);
    }
    Ok(assets)
}
