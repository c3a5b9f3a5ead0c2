//! What the overview of a company begins with: what is open there, what needs attention, and what a month costs.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use codex_core::{
    billing_plans::monthly::{self, MonthlyLine},
    companies::{
        COMPANY_NUMBER, Company,
        cockpit::{Cockpit, FULLY_PATCHED},
    },
    list::listed,
    money::Money,
    plural::count_of,
};

use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::{age, label},
        record::{SummaryItem, SummaryView},
        table::{Cell, Head, TableView},
        visit::Visit,
    },
};

/// Reads it: a fixed number of statements.
pub(super) async fn summary(visit: &Visit, company: &Company) -> codex_core::Result<SummaryView> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let cockpit = codex.cockpit(scope, company).await?;
    let mut view = SummaryView {
        items: items(&visit.at, company, &cockpit, codex.now()),
        tables: Vec::new(),
    };
    if scope.companies().is_none() {
        let plan = codex.effective_plan(scope, company).await?;
        let billable = codex.billable(scope, company).await?;
        let lines = monthly::monthly(&plan, &billable);
        if let Some(sum) = monthly::total(&lines) {
            let mut remark = vec![format!("Together {sum}.")];
            let network = billable.network_devices.count;
            if network > 0 {
                let devices = count_of(network, "network device");
                remark.push(format!(
                    "{devices}: the prices of switches and of firewalls differ."
                ));
            }
            if billable.backup.bytes > 0 {
                remark.push(format!("{} TB of backups come on top.", billable.backup.tb));
            }
            let table = month(&visit.at, company, &lines);
            view.tables.push((table, remark.join(" ")));
        }
    }
    Ok(view)
}

/// A list of what a company has, with further filters; `None` for a company without a number, which no filter names.
pub(super) fn list(
    at: &Forwarded,
    company: &Company,
    path: &str,
    filters: &[(&str, &str)],
) -> Option<String> {
    let number = company.fields.account_number.as_deref()?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(COMPANY_NUMBER, number);
    query.extend_pairs(filters);
    Some(at.link(&format!("{path}?{}", query.finish())))
}

fn items(
    at: &Forwarded,
    company: &Company,
    cockpit: &Cockpit,
    now: DateTime<Utc>,
) -> Vec<SummaryItem> {
    let count = |label, count: i64, path: &str, filters: &[(&str, &str)], remark, tone| {
        (count > 0).then(|| SummaryItem {
            label,
            value: count.to_string(),
            href: list(at, company, path, filters),
            remark,
            tone,
        })
    };
    let statuses = listed(&cockpit.open_statuses);
    let before = cockpit
        .offline_before
        .to_rfc3339_opts(SecondsFormat::Micros, true);
    let of_all = format!("of {}", count_of(cockpit.assets, "device"));
    let mut items = vec![
        count(
            "Open tickets",
            cockpit.open_tickets,
            "/tickets/",
            &[("status__in", statuses.as_str())],
            open(cockpit, now),
            if cockpit.overdue_tickets > 0 {
                "u-text-danger"
            } else {
                ""
            },
        ),
        count(
            "Devices offline for more than a week",
            cockpit.offline_assets,
            "/assets/",
            &[("online", "false"), ("last_seen__lt", before.as_str())],
            Some(of_all.clone()),
            "u-text-warning",
        ),
    ];
    if let Some(staff) = &cockpit.staff {
        let (from, until) = staff.warranty_days;
        let (from, until) = (from.to_string(), until.to_string());
        items.push(count(
            "Devices without current patches",
            staff.unpatched_assets,
            "/assets/",
            &[
                ("patch_status__ne", FULLY_PATCHED),
                ("patch_status__isnull", "false"),
            ],
            Some(of_all),
            "u-text-warning",
        ));
        items.push(count(
            "Warranties that end within 90 days",
            staff.ending_warranties,
            "/assets/",
            &[
                ("warranty_date__gte", from.as_str()),
                ("warranty_date__lte", until.as_str()),
            ],
            None,
            "",
        ));
    }
    let mut items: Vec<SummaryItem> = items.into_iter().flatten().collect();
    if items.is_empty() {
        items.push(SummaryItem {
            label: "Attention",
            value: "No open ticket, and no device that needs attention".to_owned(),
            href: None,
            remark: None,
            tone: "u-text-success",
        });
    }
    items.extend(contract(company, now.date_naive()));
    items
}

/// What is said of the open tickets.
fn open(cockpit: &Cockpit, now: DateTime<Utc>) -> Option<String> {
    let overdue = cockpit.overdue_tickets;
    let overdue = (overdue > 0).then(|| format!("{overdue} overdue"));
    let oldest = cockpit.oldest_ticket;
    let oldest = oldest.map(|opened| format!("the oldest opened {}", age(opened, now)));
    let parts: Vec<String> = overdue.into_iter().chain(oldest).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// When the contract ends.
fn contract(company: &Company, today: NaiveDate) -> Option<SummaryItem> {
    let end = company.fields.contract_end_date.as_deref()?.trim();
    let day = end.get(..10)?.parse::<NaiveDate>().ok()?;
    let days = (day - today).num_days();
    let remark = match days {
        0 => "today".to_owned(),
        1.. => format!("in {}", count_of(days, "day")),
        _ => format!("{} ago", count_of(-days, "day")),
    };
    Some(SummaryItem {
        label: if days < 0 {
            "Contract ended"
        } else {
            "Contract ends"
        },
        value: day.to_string(),
        href: None,
        remark: Some(remark),
        tone: if days < 60 { "u-text-warning" } else { "" },
    })
}

/// What a month costs.
fn month(at: &Forwarded, company: &Company, lines: &[MonthlyLine]) -> TableView {
    let heads = ["Item", "Count", "Price", "Amount"].map(|label| Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    });
    let lines = lines.iter().filter(|line| line.count > 0);
    let rows = lines.map(|line| {
        let mut count = Cell::of(line.count.to_string());
        if line.item == "users" {
            count.href = list(at, company, "/contacts/", &[("active__ne", "false")]);
        }
        let money = |money: Option<Money>| {
            Cell::of(money.map(|money| money.to_string()).unwrap_or_default())
        };
        let item = match line.item {
            "vms" => "Virtual machines".to_owned(),
            item => label(item),
        };
        vec![Cell::of(item), count, money(line.price), money(line.amount)]
    });
    TableView {
        caption: "A month by the plan in force".to_owned(),
        heads: heads.into_iter().collect(),
        rows: rows.collect(),
        empty: "Nothing that the plan has a price for.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use codex_core::{companies::CompanyFields, ids::CompanyId};

    use super::*;

    /// Of a company where everything needs attention.
    fn cockpit() -> Cockpit {
        Cockpit {
            open_tickets: 12,
            overdue_tickets: 3,
            oldest_ticket: Some(DateTime::UNIX_EPOCH),
            open_statuses: vec!["open".to_owned(), "pending".to_owned()],
            assets: 110,
            offline_assets: 5,
            ..Cockpit::default()
        }
    }

    fn company(number: Option<&str>, end: Option<&str>) -> Company {
        Company {
            id: CompanyId(1),
            fields: CompanyFields {
                account_number: number.map(str::to_owned),
                contract_end_date: end.map(str::to_owned),
                ..CompanyFields::default()
            },
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        }
    }

    #[test]
    fn numbers_link_to_the_lists_that_they_count() {
        let at = Forwarded::of(&HeaderMap::new());
        let now = DateTime::UNIX_EPOCH;
        let items = items(&at, &company(Some("1"), None), &cockpit(), now);
        let links: Vec<_> = items
            .iter()
            .filter_map(|item| item.href.as_deref())
            .collect();
        assert_eq!(
            links,
            [
                "/tickets/?company_account_number=1&status__in=open%2Cpending",
                "/assets/?company_account_number=1&online=false&last_seen__lt=1970-01-01T00%3A00%3A00.000000Z",
            ]
        );
        assert_eq!(
            items[0].remark.as_deref(),
            Some("3 overdue, the oldest opened just now")
        );
    }

    #[test]
    fn zero_counts_are_left_out() {
        let at = Forwarded::of(&HeaderMap::new());
        let company = company(None, Some("1970-02-01"));
        let items = items(&at, &company, &Cockpit::default(), DateTime::UNIX_EPOCH);
        let labels: Vec<_> = items.iter().map(|item| item.label).collect();
        assert_eq!(labels, ["Attention", "Contract ends"]);
        assert_eq!(items[1].remark.as_deref(), Some("in 31 days"));
    }

    #[test]
    fn unreadable_ends_of_contracts_are_left_out() {
        let today = DateTime::UNIX_EPOCH.date_naive();
        for end in [
            None,
            Some(""),
            Some("soon"),
            Some("31.12.2026"),
            Some("\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}"),
        ] {
            assert!(contract(&company(None, end), today).is_none(), "{end:?}");
        }
    }
}
