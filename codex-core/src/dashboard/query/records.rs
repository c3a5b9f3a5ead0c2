//! Companies, contracts and what else is counted.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc};

use super::narrow;
use crate::{
    Result,
    dashboard::{
        ENDING_DAYS, MONTHS, SHOWN,
        wire::{ContractMonthOut, DashboardContractOut, DashboardContractsOut},
    },
    dates,
    scope::Scope,
    store::Db,
};

sql! {
    /// What there is of kinds that have no figures of their own. People are counted in the index of those that changed
    /// last, which has live ones alone; there are few agents and plans.
    COUNTS = "select \
        (select count(*) from contacts where deleted_at is null) as contacts, \
        (select count(*) from agents where deleted_at is null) as agents, \
        (select count(distinct plan_name) from billing_plans where deleted_at is null) as billing_plans";
}

/// Figures of companies, and of kinds with a single count.
#[derive(Debug)]
pub(crate) struct RecordFigures {
    pub companies: i64,
    pub contacts: i64,
    pub agents: i64,
    pub billing_plans: i64,
    pub contracts: DashboardContractsOut,
}

/// A company with what is counted of it.
#[derive(Debug, sqlx::FromRow)]
struct CompanyRow {
    account_number: String,
    name: String,
    contract_end_date: Option<String>,
    billing_plan: Option<String>,
}

impl CompanyRow {
    fn shown(&self) -> DashboardContractOut {
        DashboardContractOut {
            account_number: self.account_number.clone(),
            contract_end_date: self.contract_end_date.clone(),
            name: self.name.clone(),
        }
    }

    /// The last day of the contract. Read here: it is kept as its source wrote it.
    fn end(&self) -> Option<NaiveDate> {
        self.contract_end_date.as_deref().and_then(dates::day)
    }
}

/// All figures, in two statements. They are kept; companies are a few thousand at most, and read once.
pub(crate) async fn records(db: &Db, scope: &Scope, now: DateTime<Utc>) -> Result<RecordFigures> {
    // Those that lists show.
    let mut q = db.query(
        "select account_number, name, contract_end_date, billing_plan from companies \
         where deleted_at is null and account_number is not null",
    );
    narrow(&mut q, scope, "id");
    q.push(" order by name_fold, id");
    let companies: Vec<CompanyRow> = q.all().await?;
    let (contacts, agents, billing_plans) = counts(db, scope).await?;
    Ok(RecordFigures {
        companies: i64::try_from(companies.len()).unwrap_or(i64::MAX),
        contacts,
        agents,
        billing_plans,
        contracts: contracts(&companies, now.date_naive()),
    })
}

async fn counts(db: &Db, scope: &Scope) -> Result<(i64, i64, i64)> {
    let Some(own) = scope.companies() else {
        return Ok(db.query(COUNTS).optional().await?.unwrap_or_default());
    };
    let mut q = db.query(
        "select count(distinct l.contact_id) from contact_company l join contacts r on r.id = l.contact_id \
         where r.deleted_at is null and l.company_id in ",
    );
    q.push_list(own.iter().copied());
    Ok((q.scalar().await?.unwrap_or_default(), 0, 0))
}

fn contracts(companies: &[CompanyRow], today: NaiveDate) -> DashboardContractsOut {
    let mut ending: Vec<(NaiveDate, &CompanyRow)> = companies
        .iter()
        .filter_map(|company| Some((company.end()?, company)))
        .filter(|(end, _)| *end >= today)
        .collect();
    ending.sort_by_key(|(end, _)| *end);
    let last = today + Days::new(ENDING_DAYS.unsigned_abs());
    let soon = ending.partition_point(|(end, _)| *end <= last);
    let without_plan = companies.iter().filter(|one| one.billing_plan.is_none());
    let without_plan: Vec<&CompanyRow> = without_plan.collect();
    DashboardContractsOut {
        ending: ending[..soon]
            .iter()
            .take(SHOWN)
            .map(|(_, company)| company.shown())
            .collect(),
        ending_soon: count(soon),
        months: months(companies, today),
        without_plan: count(without_plan.len()),
        without_plan_companies: without_plan
            .iter()
            .take(SHOWN)
            .map(|company| company.shown())
            .collect(),
    }
}

/// The current month counts as a whole: a contract that has ended in it too.
fn months(companies: &[CompanyRow], today: NaiveDate) -> Vec<ContractMonthOut> {
    let first = today.with_day(1).unwrap_or(today);
    let months =
        (0..MONTHS).filter_map(|n| first.checked_add_months(Months::new(n.try_into().ok()?)));
    let ends: Vec<NaiveDate> = companies.iter().filter_map(CompanyRow::end).collect();
    let counted = months.map(|month| {
        let in_month =
            |end: &&NaiveDate| (end.year(), end.month()) == (month.year(), month.month());
        ContractMonthOut {
            ending: count(ends.iter().filter(in_month).count()),
            month: month.format("%Y-%m").to_string(),
        }
    });
    counted.collect()
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_counted_to_the_day() {
        let company = |end: Option<&str>| CompanyRow {
            account_number: "100001".to_owned(),
            name: "Acme".to_owned(),
            contract_end_date: end.map(str::to_owned),
            billing_plan: end.map(str::to_owned),
        };
        let ends = [
            None,
            Some("soon"),
            Some("2026-01-14"),
            Some("2026-04-15"),
            Some("2026-01-15T00:00:00Z"),
            Some("2026-04-16"),
            Some("2027-01-01"),
        ];
        let companies = ends.map(company);
        let reported = contracts(&companies, "2026-01-15".parse().unwrap());
        let soon: Vec<_> = reported
            .ending
            .iter()
            .map(|one| one.contract_end_date.as_deref())
            .collect();
        assert_eq!(soon, [Some("2026-01-15T00:00:00Z"), Some("2026-04-15")]);
        assert_eq!((reported.ending_soon, reported.without_plan), (2, 1));
        assert_eq!(reported.months.len(), MONTHS);
        let counts: Vec<_> = reported.months.iter().map(|month| month.ending).collect();
        assert_eq!(counts[..4], [2, 0, 0, 2]);
        assert_eq!(reported.months[11].month, "2026-12");
    }
}
