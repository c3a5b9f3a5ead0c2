//! The charts of a dashboard.

use codex_core::{
    dashboard::{
        ENDING_DAYS, SYNC_DAYS,
        wire::{DashboardContractsOut, DashboardOut, NamedCountOut, SyncDayOut},
    },
    jobs::JobStatus,
    plural::count_of,
};

use super::links::Links;
use crate::pages::{
    chart::{Chart, SmallCell, SmallTable, Square, Value, bars, grid, lines, shortened},
    fields::{capitalized, source},
};

const SUCCESS: &str = "u-text-success";
const WARNING: &str = "u-text-warning";
const DANGER: &str = "u-text-danger";
const PLAIN: &str = "u-text-secondary";

/// A chart of bars, with a row of its table for each.
fn of_bars(
    (id, title, noun): (&'static str, &str, &str),
    values: Vec<Value>,
    empty: &'static str,
    (href, link): (String, &'static str),
) -> Chart {
    let drawing = bars(&values);
    let parts = values
        .iter()
        .map(|one| format!("{} {}", shortened(&one.name), one.amount));
    let description = parts.collect::<Vec<_>>().join(", ");
    let rows = values.into_iter().map(|one| {
        vec![
            SmallCell::new(one.name).to(one.href),
            SmallCell::new(one.amount.to_string()),
        ]
    });
    Chart {
        id,
        title: title.to_owned(),
        description,
        drawing,
        table: SmallTable {
            caption: title.to_owned(),
            heads: vec![noun.to_owned(), "Count".to_owned()],
            rows: rows.collect(),
            empty,
        },
        href,
        link,
    }
}

/// Tickets opened and closed by week.
pub(super) fn weeks(links: &Links<'_>, numbers: &DashboardOut) -> Chart {
    let weeks = &numbers.tickets.weeks;
    let opened: Vec<i64> = weeks.iter().map(|week| week.opened).collect();
    let closed: Vec<i64> = weeks.iter().map(|week| week.closed).collect();
    let description = format!(
        "In {}, {} opened and {} closed.",
        count_of(weeks.len(), "week"),
        count_of(opened.iter().sum::<i64>(), "ticket"),
        closed.iter().sum::<i64>()
    );
    let first = weeks.first().map_or("", |week| week.week.as_str());
    let ends = (first, "this week");
    // The current week first: it is what is looked for.
    let rows = weeks.iter().rev().map(|week| {
        let number = |count: i64, column: &str| {
            SmallCell::new(count.to_string()).to(links.week(column, &week.week))
        };
        vec![
            SmallCell::new(&week.week),
            number(week.opened, "created_at"),
            number(week.closed, "closed_at"),
        ]
    });
    let title = "Tickets opened and closed";
    let heads = ["Week of", "Opened", "Closed"].map(str::to_owned);
    Chart {
        id: "weeks",
        title: title.to_owned(),
        description,
        drawing: lines(
            &[("opened", opened, WARNING), ("closed", closed, SUCCESS)],
            ends,
        ),
        table: SmallTable {
            caption: "Tickets opened and closed per week".to_owned(),
            heads: heads.to_vec(),
            rows: rows.collect(),
            empty: "No weeks are counted.",
        },
        href: links.list(
            "/tickets/",
            &[("created_at__gte", first), ("sort", "-created_at")],
        ),
        link: "Tickets of these weeks",
    }
}

/// Open tickets by priority.
pub(super) fn priorities(links: &Links<'_>, numbers: &DashboardOut) -> Chart {
    let rows = numbers.tickets.by_priority.iter().map(|one| {
        let class = match one.priority.as_deref() {
            Some("urgent") => DANGER,
            Some("high") => WARNING,
            _ => PLAIN,
        };
        let name = one.priority.as_deref().map(capitalized);
        let name = name.unwrap_or_else(|| "No priority".to_owned());
        Value {
            name,
            amount: one.open,
            class,
            href: links.open_having("priority", one.priority.as_deref()),
        }
    });
    of_bars(
        ("priorities", "Open tickets by priority", "Priority"),
        rows.collect(),
        "No ticket is open.",
        (links.open_tickets(&[]), "Open tickets"),
    )
}

/// Open tickets of the companies that have the most.
pub(super) fn companies(links: &Links<'_>, numbers: &DashboardOut) -> Chart {
    let rows = numbers.tickets.by_company.iter().map(|one| {
        let name = one.name.clone();
        Value {
            name: name.unwrap_or_else(|| "No company".to_owned()),
            amount: one.open,
            class: PLAIN,
            href: links.open_having("company_account_number", one.account_number.as_deref()),
        }
    });
    of_bars(
        ("tickets-by-company", "Open tickets by company", "Company"),
        rows.collect(),
        "No ticket is open.",
        (links.open_tickets(&[]), "Open tickets"),
    )
}

/// Devices online and offline.
pub(super) fn states(links: &Links<'_>, numbers: &DashboardOut) -> Chart {
    let assets = &numbers.assets;
    let rows = [
        ("Online", assets.online, SUCCESS, Some("true")),
        ("Offline", assets.offline, DANGER, Some("false")),
        ("Never reported", assets.unknown, PLAIN, None),
    ];
    let rows = rows.into_iter().filter(|(_, count, ..)| *count > 0);
    let rows = rows.map(|(name, count, class, online)| Value {
        name: name.to_owned(),
        amount: count,
        class,
        href: links.having("/assets/", "online", online),
    });
    of_bars(
        ("asset-states", "Assets online", "State"),
        rows.collect(),
        "There are no assets.",
        (links.path("/assets/"), "All assets"),
    )
}

fn named(
    links: &Links<'_>,
    (id, title, noun): (&'static str, &str, &str),
    column: &str,
    counts: &[NamedCountOut],
) -> Chart {
    let rows = counts.iter().map(|one| Value {
        name: one.name.clone().unwrap_or_else(|| "Unknown".to_owned()),
        amount: one.count,
        class: PLAIN,
        href: links.having("/assets/", column, one.name.as_deref()),
    });
    of_bars(
        (id, title, noun),
        rows.collect(),
        "There are no assets.",
        (links.path("/assets/"), "All assets"),
    )
}

/// Devices by operating system.
pub(super) fn systems(links: &Links<'_>, numbers: &DashboardOut) -> Chart {
    let names = ("systems", "Operating systems", "Operating system");
    named(
        links,
        names,
        "operating_system",
        &numbers.assets.operating_systems,
    )
}

/// Devices by patch state; `None` where the caller may not see it.
pub(super) fn patches(links: &Links<'_>, numbers: &DashboardOut) -> Option<Chart> {
    let states = numbers.assets.patch_states.as_ref()?;
    let names = ("patches", "Patch state of assets", "Patch state");
    Some(named(links, names, "patch_status", states))
}

/// Contracts that end in each month.
pub(super) fn contracts(links: &Links<'_>, contracts: &DashboardContractsOut) -> Chart {
    let starts = contracts
        .months
        .iter()
        .map(|one| format!("{}-01", one.month));
    let starts: Vec<String> = starts.collect();
    let rows = contracts
        .months
        .iter()
        .zip(&starts)
        .enumerate()
        .map(|(place, (one, start))| Value {
            name: one.month.clone(),
            amount: one.ending,
            class: PLAIN,
            href: match starts.get(place + 1) {
                Some(next) => links.contracts(start, next),
                // All days of a month are before its last sign.
                None => links.contracts(start, &format!("{}-99", one.month)),
            },
        });
    let first = starts.first().map_or("", String::as_str);
    of_bars(
        ("contracts", "Contracts ending per month", "Month"),
        rows.collect(),
        "No months are counted.",
        (links.contracts(first, "9999"), "Contracts by their end"),
    )
}

/// The day behind the last on which a contract counts as ending.
pub(super) fn ending_before(links: &Links<'_>) -> String {
    let days = chrono::TimeDelta::days(ENDING_DAYS + 1);
    (links.now + days).date_naive().to_string()
}

/// Syncs of the last days: a row of squares for each source, each of which leads to a job.
pub(super) fn syncs(links: &Links<'_>, days: &[SyncDayOut]) -> Chart {
    let mut sources: Vec<&str> = days.iter().map(|day| day.source.as_str()).collect();
    sources.dedup();
    let dates = (0..SYNC_DAYS).rev().map(|back| {
        let day = links.now.date_naive() - chrono::TimeDelta::days(back);
        day.to_string()
    });
    let dates: Vec<String> = dates.collect();
    let find = |source: &str, date: &str| {
        days.iter()
            .find(|one| one.source == source && one.day == *date)
    };
    let squares = sources.iter().map(|name| {
        let squares = dates.iter().map(|date| {
            let day = find(name, date)?;
            let (class, _, word) = square(day);
            Some(Square {
                text: format!("{}, {}: {word}", source(name), &date[5..]),
                class,
                href: job_path(links, day),
            })
        });
        (source(name), squares.collect())
    });
    let drawing = grid(squares.collect());
    let rows = sources.iter().map(|name| {
        let cells = dates.iter().map(|date| match find(name, date) {
            None => SmallCell::new("\u{2013}"),
            Some(day) => job(links, day),
        });
        let first = SmallCell::new(source(name)).to(links.path("/sync/"));
        std::iter::once(first).chain(cells).collect()
    });
    let failed = days.iter().filter(|day| day.failed > 0).count();
    let heads = std::iter::once("Source".to_owned());
    Chart {
        id: "syncs",
        title: "Syncs of the last 14 days".to_owned(),
        description: format!(
            "{} and {}: a sync failed on {} of a source.",
            count_of(sources.len(), "source"),
            count_of(dates.len(), "day"),
            count_of(failed, "day")
        ),
        drawing,
        table: SmallTable {
            caption: "The newest job of each source and day, or the newest that failed".to_owned(),
            heads: heads
                .chain(dates.iter().map(|date| date[5..].to_owned()))
                .collect(),
            rows: rows.collect(),
            empty: "No sync has run in the last 14 days.",
        },
        href: links.path("/sync/"),
        link: "All syncs",
    }
}

fn job(links: &Links<'_>, day: &SyncDayOut) -> SmallCell {
    let (_, class, word) = square(day);
    let title = format!("{}, {} failed", count_of(day.jobs, "job"), day.failed);
    let cell = SmallCell::new(word).to(job_path(links, day));
    SmallCell {
        class: Some(class),
        ..cell.titled(title)
    }
}

fn job_path(links: &Links<'_>, day: &SyncDayOut) -> String {
    links.path(&format!("/sync/jobs/{}", day.job_id))
}

/// How a day went: the class of its square, that of its text, and a word.
fn square(day: &SyncDayOut) -> (&'static str, &'static str, &'static str) {
    match day.status {
        JobStatus::Failed => (DANGER, "status-text--danger", "failed"),
        JobStatus::Cancelled => (WARNING, "status-text--warning", "cancelled"),
        JobStatus::Queued | JobStatus::Running => (PLAIN, "status-text--info", "running"),
        JobStatus::Completed => (SUCCESS, "status-text--success", "ok"),
    }
}
