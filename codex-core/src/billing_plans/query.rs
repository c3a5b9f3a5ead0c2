//! Reading billing plans: for everybody but clients.

use super::{BillingPlan, BillingPlanFields, term};
use crate::{
    RecordKind, Result,
    ids::BillingPlanId,
    list::{ColumnType, Listing, Op, Page, PageRequest, always, listed},
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Tx},
};

crate::list::staff_fields!(BillingPlan, BillingPlanFields);

sql! {
    /// All live plans.
    LIST = [BillingPlanFields::SELECT, " where deleted_at is null order by plan_name, term_length"];
    /// A live plan by its row id.
    FIND = [BillingPlanFields::SELECT, " where id = $1 and deleted_at is null"];
    /// A live plan by what it is called.
    OF_NAME = [BillingPlanFields::SELECT,
        " where plan_name = $1 and term_length = $2 and deleted_at is null"];
    /// The plan that has a name already.
    HOLDER = "select id from billing_plans where plan_name = $1 and term_length = $2 \
        and deleted_at is null";
    /// Every live plan by its name and term.
    NAMES = "select id, plan_name, term_length from billing_plans where deleted_at is null";
    /// How many companies with an account number have each plan.
    COMPANIES = "select billing_plan, count(*) from companies where deleted_at is null \
        and account_number is not null and billing_plan is not null group by billing_plan order by billing_plan";
    /// Plans and terms that companies have.
    IN_USE = "select distinct billing_plan, coalesce(contract_term_length, '') from companies \
        where deleted_at is null and billing_plan is not null";
}

/// How billing plans are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 7,
    kind: RecordKind::BillingPlan,
    access: BillingPlan::READ_BY,
    select: &[
        "select r.id, cast(r.id as text) as key, r.plan_name as title, r.term_length as detail, \
         cast(null as bigint) as company, null as number, null as company_name from billing_plans r where r.id in ",
    ],
    of_companies: None,
    path: Some("/api/billing-plans"),
};

/// Billing plans as a list.
pub const LISTING: Listing = Listing {
    select: BillingPlanFields::SELECT,
    from: " from billing_plans",
    live: "deleted_at is null",
    id: "id",
    search: Some(&SEARCH),
    order: "plan_name",
    fields: &[BillingPlanFields::FIELDS],
    columns: &[
        always("term_length", TERM, ColumnType::Text),
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
    ],
};

/// How many of the listed companies have each plan, whatever its term.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub(crate) async fn companies(db: &Db, scope: &Scope) -> Result<Vec<(String, i64)>> {
    scope.require(BillingPlan::READ_BY, WHAT)?;
    db.query(COMPANIES).all().await
}

const TERM: &str = "term_length";
const WHAT: &str = "reading billing plans";

/// A page of plans, by name; a whole term may be named in any spelling.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list.
pub async fn page(db: &Db, scope: &Scope, page: &PageRequest) -> Result<Page<BillingPlan>> {
    scope.require(BillingPlan::READ_BY, WHAT)?;
    let mut page = page.clone();
    for filter in page.filters.iter_mut().filter(|filter| filter.name == TERM) {
        match filter.op {
            Op::Eq | Op::Ne => filter.value = term(&filter.value),
            Op::In => {
                let terms = filter.values()?;
                filter.value = listed(terms.iter().map(|text| term(text)));
            }
            _ => {}
        }
    }
    let place = |plan: &BillingPlan| (plan.id.0, plan.fields.plan_name.clone());
    LISTING.page(db, scope, &page, |_| (), place).await
}

/// All plans, by name and term.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients; so do all of this module.
pub async fn list(db: &Db, scope: &Scope) -> Result<Vec<BillingPlan>> {
    scope.require(BillingPlan::READ_BY, WHAT)?;
    db.query(LIST).all().await
}

/// Looks a plan up by its row id.
pub async fn find(db: &Db, scope: &Scope, id: BillingPlanId) -> Result<Option<BillingPlan>> {
    scope.require(BillingPlan::READ_BY, WHAT)?;
    db.query(FIND).bind(id).optional().await
}

/// Looks a plan up by name and term, the latter in any spelling.
pub async fn of_name(
    db: &Db,
    scope: &Scope,
    name: &str,
    term_length: &str,
) -> Result<Option<BillingPlan>> {
    scope.require(BillingPlan::READ_BY, WHAT)?;
    let q = db.query(OF_NAME).bind(name.trim()).bind(term(term_length));
    q.optional().await
}

/// The plan that has a name and term already.
pub(crate) async fn holder(tx: &mut Tx, name: &str, term_length: &str) -> Result<Option<i64>> {
    let q = tx.query(HOLDER).bind(name.trim()).bind(term(term_length));
    q.scalar().await
}

/// Every plan's id, name and term.
pub(crate) async fn names(tx: &mut Tx) -> Result<Vec<(i64, String, String)>> {
    tx.query(NAMES).all().await
}

/// The names and terms that companies have.
pub(crate) async fn in_use(db: &Db) -> Result<Vec<(String, String)>> {
    db.query(IN_USE).all().await
}
