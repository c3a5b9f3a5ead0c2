//! Tables of companies, contacts and assets as pages show them: searched, sorted, by page number (contract
//! 1.2.J).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Codex;
use crate::{
    Result, Scope, contacts,
    ids::ContactId,
    list::{Term, term::found},
    store::{Q, Record},
};

/// Which page of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TablePage {
    /// From 1.
    pub page: i64,
    /// Rows of a page, 1 to 500.
    pub per_page: i64,
    /// Column to sort by; one that cannot be sorted by sorts by nothing.
    pub sort_by: Option<String>,
    /// The largest first.
    pub descending: bool,
    /// What the rows are found by.
    pub search: Option<String>,
    /// Contacts: those who are not active too.
    pub inactive: bool,
}

/// A company of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
#[expect(missing_docs, reason = "contract 1.2.J names the columns")]
pub struct CompanyRow {
    pub account_number: Option<String>,
    pub contract_end_date: Option<String>,
    pub description: Option<String>,
    pub email_system: Option<String>,
    pub name: String,
    pub phone_system: Option<String>,
    pub plan_selected: Option<String>,
}

/// A contact of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
#[expect(missing_docs, reason = "contract 1.2.J names the columns")]
pub struct ContactRow {
    pub active: Option<bool>,
    pub company_count: i64,
    pub email: Option<String>,
    pub id: i64,
    pub mobile_phone_number: Option<String>,
    pub name: String,
    pub work_phone_number: Option<String>,
}

/// An asset of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
#[expect(missing_docs, reason = "contract 1.2.J names the columns")]
pub struct AssetRow {
    pub antivirus_product: Option<String>,
    pub company_account_number: Option<String>,
    pub company_name: Option<String>,
    pub description: Option<String>,
    pub domain: Option<String>,
    pub ext_ip_address: Option<String>,
    pub hardware_type: Option<String>,
    pub hostname: Option<String>,
    pub id: i64,
    pub int_ip_address: Option<String>,
    pub last_logged_in_user: Option<String>,
    pub last_seen: Option<chrono::DateTime<chrono::Utc>>,
    pub online: Option<bool>,
    pub operating_system: Option<String>,
    pub patch_status: Option<String>,
    pub web_remote_url: Option<String>,
}

/// A page of a table and how many rows the table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: i64,
}

/// A column that can be sorted by, and what it is in SQL.
type Sort = (&'static str, &'static str);

const COMPANIES: &str = "select r.account_number, r.contract_end_date, r.description, r.email_system, r.name, \
    r.phone_system, r.plan_selected from companies r";
const PLAN: &str = "plan_selected";
const COMPANY_SORTS: [Sort; 6] = [
    ("name", "r.name_fold"),
    ("account_number", "r.account_number"),
    (PLAN, "r.plan_selected"),
    ("email_system", "r.email_system"),
    ("phone_system", "r.phone_system"),
    ("contract_end_date", "r.contract_end_date"),
];
const CONTACTS: &str = "select r.active, (select count(*) from contact_company l join companies c \
    on c.id = l.company_id and c.deleted_at is null where l.contact_id = r.id) as company_count, r.email, r.id, \
    r.mobile_phone_number, r.name, r.work_phone_number from contacts r";
const CONTACT_SORTS: [Sort; 3] = [
    ("name", "r.name_fold"),
    ("email", "r.email_fold"),
    ("active", "case when r.active is false then 0 else 1 end"),
];
const ASSETS: &str = "select r.antivirus_product, c.account_number as company_account_number, \
    c.name as company_name, r.description, r.domain, s.ext_ip_address, r.hardware_type, r.hostname, r.id, \
    r.int_ip_address, s.last_logged_in_user, s.last_seen, s.online, r.operating_system, s.patch_status, \
    r.web_remote_url from assets r left join asset_status s on s.asset_id = r.id \
    left join companies c on c.id = r.company_id and c.deleted_at is null";
const ASSET_SORTS: [Sort; 4] = [
    ("hostname", "r.hostname_fold"),
    ("hardware_type", "r.hardware_type"),
    ("operating_system", "r.operating_system"),
    ("online", "case when s.online then 1 else 0 end"),
];

impl Codex {
    /// A page of the table of companies.
    pub async fn company_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<CompanyRow>> {
        let narrow = |q: &mut Q<'_>| {
            if let Some(own) = scope.companies() {
                q.push(" and r.id in ").push_list(own.iter().copied());
            }
            if let Some(term) = term(page) {
                q.push(" and ");
                found(q, self.0.db.engine(), 1, "r.id", &term);
            }
        };
        let count = "select count(*) from companies r";
        if scope.companies().is_none() {
            return self
                .table(count, COMPANIES, &COMPANY_SORTS, page, narrow)
                .await;
        }
        // Clients see nothing of plans (design 6), not by their order either.
        let sorts = COMPANY_SORTS.into_iter().filter(|(name, _)| *name != PLAN);
        let sorts: Vec<Sort> = sorts.collect();
        let mut table: TableRows<CompanyRow> =
            self.table(count, COMPANIES, &sorts, page, narrow).await?;
        for row in &mut table.rows {
            row.plan_selected = None;
        }
        Ok(table)
    }

    /// A page of the table of contacts.
    pub async fn contact_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<ContactRow>> {
        let narrow = |q: &mut Q<'_>| {
            if let Some(own) = scope.companies() {
                q.push(" and r.id in (select contact_id from contact_company where company_id in ");
                q.push_list(own.iter().copied()).push(")");
            }
            if !page.inactive {
                q.push(" and r.active is not false");
            }
            if let Some(term) = term(page) {
                q.push(" and ");
                found(q, self.0.db.engine(), 2, "r.id", &term);
            }
        };
        let count = "select count(*) from contacts r";
        let mut table: TableRows<ContactRow> = self
            .table(count, CONTACTS, &CONTACT_SORTS, page, narrow)
            .await?;
        if scope.companies().is_some() {
            let ids: Vec<_> = table.rows.iter().map(|row| ContactId(row.id)).collect();
            let companies = contacts::query::companies_of(&self.0.db, &ids).await?;
            for row in &mut table.rows {
                let all = companies.get(&ContactId(row.id)).into_iter().flatten();
                let own = all.filter(|company| scope.sees(Some(**company)));
                row.company_count = i64::try_from(own.count()).unwrap_or_default();
            }
        }
        Ok(table)
    }

    /// A page of the table of assets.
    pub async fn asset_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<AssetRow>> {
        let narrow = |q: &mut Q<'_>| {
            if let Some(own) = scope.companies() {
                q.push(" and r.company_id in ")
                    .push_list(own.iter().copied());
            }
            if let Some(term) = term(page) {
                q.push(" and (");
                found(q, self.0.db.engine(), 3, "r.id", &term);
                q.push(" or ");
                found(q, self.0.db.engine(), 1, "r.company_id", &term);
                q.push(")");
            }
        };
        let count = "select count(*) from assets r";
        let mut table: TableRows<AssetRow> = self
            .table(count, ASSETS, &ASSET_SORTS, page, narrow)
            .await?;
        if scope.companies().is_some() {
            // The way to take a device over.
            let rows = table.rows.iter_mut();
            rows.for_each(|row| row.web_remote_url = None);
        }
        Ok(table)
    }

    async fn table<T: Record>(
        &self,
        count: &'static str,
        select: &'static str,
        sorts: &[Sort],
        page: &TablePage,
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<TableRows<T>> {
        let live = " where r.deleted_at is null";
        let mut q = self.0.db.query(count);
        q.push(live);
        narrow(&mut q);
        let total = q.scalar::<i64>().await?.unwrap_or_default();
        let mut q = self.0.db.query(select);
        q.push(live);
        narrow(&mut q);
        q.push(" order by ");
        let wanted = page.sort_by.as_deref().unwrap_or(sorts[0].0);
        if let Some((_, column)) = sorts.iter().find(|(name, _)| *name == wanted) {
            // What is not known comes last on both engines.
            q.push("case when ")
                .push(column)
                .push(" is null then 1 else 0 end, ")
                .push(column);
            q.push(if page.descending { " desc, " } else { ", " });
        }
        let offset = (page.page.max(1) - 1).saturating_mul(page.per_page);
        q.push("r.id limit ").push_bind(page.per_page);
        q.push(" offset ").push_bind(offset);
        let rows = q.all().await?;
        Ok(TableRows { rows, total })
    }
}

fn term(page: &TablePage) -> Option<Term> {
    Term::new(page.search.as_deref()?)
}
