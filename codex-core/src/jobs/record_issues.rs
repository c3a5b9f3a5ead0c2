//! Issues of syncs on the records that they concern.
//!
//! Issues of a job are sentences. Each begins with what it is about, in one of a few forms: the word of the vendor or of
//! the kind with the vendor's id, or, where there is no vendor's id, the kind with our own. [`mentions`] reads them back.

use chrono::{DateTime, Utc};

use super::{Job, JobStatus, query};
use crate::{RecordKind, Result, scope::Scope, store::Db};

/// What an issue calls a record, and the kinds of record that are called so.
const NOUNS: [(&str, &[&str]); 13] = [
    ("network interfaces of device ", &["asset"]),
    ("agent ", &["agent", "psa_agent"]),
    ("asset ", &["asset"]),
    ("company ", &["company"]),
    ("contact ", &["contact"]),
    ("department ", &["company"]),
    ("device ", &["asset"]),
    ("psa_agent ", &["psa_agent"]),
    ("requester ", &["contact"]),
    ("site ", &["site_link"]),
    ("site_link ", &["site_link"]),
    ("ticket ", &["ticket"]),
    ("user ", &["agent"]),
];
/// Forms of issues that name records by our own ids, behind the kind and before the rest.
const PAIR: &str = "duplicate candidate: ";
const MANUAL_PAIR: &str = "possible duplicate: ";

/// The states of a job whose issues are complete.
const ENDED: [JobStatus; 3] = [
    JobStatus::Completed,
    JobStatus::Failed,
    JobStatus::Cancelled,
];

sql! {
    /// What sources call a record.
    NAMES = "select source, kind, external_id from claims where kind = $1 and record_id = $2";
    /// What sources call a company, and the sites that are linked to it.
    COMPANY_NAMES = "select source, kind, external_id from claims where (kind = $1 and record_id = $2) \
        or (kind = 'site_link' and record_id in (select id from site_links where company_id = $2 \
        and deleted_at is null))";
}

/// A record as an issue names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention<'i> {
    /// By the id at the job's source; of one of these kinds.
    External(&'static [&'static str], &'i str),
    /// By our own row id.
    Row(&'static str, i64),
}

/// Something that went wrong in a sync with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordIssue {
    /// The job.
    pub job_id: String,
    /// The sync, by the name that starts it.
    pub sync: String,
    /// When the job began.
    pub at: DateTime<Utc>,
    /// The issue.
    pub issue: String,
}

/// The records that an issue is about, in the order in which it names them.
pub fn mentions(issue: &str) -> Vec<Mention<'_>> {
    if let Some(pair) = issue.strip_prefix(PAIR) {
        let (pair, _) = pair.split_once(" may be one").unwrap_or((pair, ""));
        let both = pair.split(" and ").filter_map(|one| {
            let (kinds, id, _) = named(one)?;
            Some(Mention::Row(kinds.first()?, id.parse().ok()?))
        });
        return both.collect();
    }
    if let Some(rest) = issue.strip_prefix(MANUAL_PAIR) {
        return manual_pair(rest);
    }
    // A department whose company has no number yet is named by its name, and then by its id.
    if issue.starts_with('`')
        && let Some((_, id)) = issue.rsplit_once(" (department ")
    {
        let end = id.find(')').unwrap_or(id.len());
        return vec![Mention::External(&["company"], &id[..end])];
    }
    let Some((kinds, id, rest)) = named(issue) else {
        return Vec::new();
    };
    let is_row = match kinds.first() {
        Some(&("company" | "agent")) => rest.starts_with(" `") || rest.starts_with(" had the name"),
        _ => false,
    };
    match (kinds.first(), id.parse()) {
        (Some(kind), Ok(row)) if is_row || rest.contains("` is cut to ") => {
            vec![Mention::Row(kind, row)]
        }
        _ => vec![Mention::External(kinds, id)],
    }
}

/// Manual records that share a value with records that arrive.
fn manual_pair(text: &str) -> Vec<Mention<'_>> {
    let Some(text) = text.strip_prefix("manual ") else {
        return Vec::new();
    };
    let Some((kinds, _, _)) = named(text) else {
        return Vec::new();
    };
    let parts = text
        .split_once(' ')
        .and_then(|(_, rest)| rest.split_once(" and new "));
    let Some((rows, items)) = parts else {
        return Vec::new();
    };
    let (items, _) = items.split_once(" share one").unwrap_or((items, ""));
    let rows = rows.split(", ").filter_map(|id| id.parse().ok());
    let rows = rows.filter_map(|id| Some(Mention::Row(kinds.first()?, id)));
    let items = items.split(", ").map(|id| Mention::External(kinds, id));
    rows.chain(items).collect()
}

/// Kinds and id at the beginning of a text, and what follows.
fn named(text: &str) -> Option<(&'static [&'static str], &str, &str)> {
    let (noun, kinds) = NOUNS.iter().find(|(noun, _)| text.starts_with(noun))?;
    let rest = &text[noun.len()..];
    let end = rest.find([' ', ':', ',']).unwrap_or(rest.len());
    let (id, rest) = rest.split_at(end);
    let is_id = !id.is_empty() && !id.starts_with('`');
    is_id.then_some((*kinds, id, rest))
}

/// What a source calls a record.
#[derive(Debug, sqlx::FromRow)]
struct SourceName {
    source: String,
    kind: String,
    external_id: String,
}

/// Whether an issue of a job is about a record.
fn concerns(job: &Job, issue: &str, kind: &str, id: i64, names: &[SourceName]) -> bool {
    mentions(issue).iter().any(|mention| match mention {
        Mention::Row(of, row) => *of == kind && *row == id,
        Mention::External(kinds, external_id) => names.iter().any(|name| {
            job.vendor() == Some(name.source.as_str())
                && kinds.contains(&name.kind.as_str())
                && name.external_id == *external_id
        }),
    })
}

/// The issues of the last job of each sync that concern a record, the newest first. They are for staff; clients get
/// none.
pub(crate) async fn of_record(
    db: &Db,
    scope: &Scope,
    kind: RecordKind,
    id: i64,
) -> Result<Vec<RecordIssue>> {
    if scope.companies().is_some() {
        return Ok(Vec::new());
    }
    let mut jobs = query::newest(db, scope, &ENDED).await?;
    jobs.retain(|job| !job.report.issues.is_empty());
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    jobs.sort_by_key(|job| std::cmp::Reverse(job.started_at));
    let sql = match kind {
        RecordKind::Company => COMPANY_NAMES,
        _ => NAMES,
    };
    let kind = kind.name();
    let names: Vec<SourceName> = db.query(sql).bind(kind).bind(id).all().await?;
    let names = names.as_slice();
    let found = jobs.iter().flat_map(|job| {
        let issues = job.report.issues.iter();
        let own = issues.filter(move |issue| concerns(job, issue, kind, id, names));
        own.map(move |issue| RecordIssue {
            job_id: job.id.clone(),
            sync: job.sync().to_owned(),
            at: job.started_at,
            issue: issue.clone(),
        })
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(kind: &'static [&'static str], id: &'static str) -> Vec<Mention<'static>> {
        vec![Mention::External(kind, id)]
    }

    #[test]
    fn issues_name_records_by_the_ids_of_their_source() {
        for (issue, kinds, id) in [
            (
                "device d-7: its inventory could not be read (x)",
                &["asset"][..],
                "d-7",
            ),
            (
                "asset d-7: `mac` is not text and is unknown; others like it are only counted",
                &["asset"],
                "d-7",
            ),
            (
                "network interfaces of device d-7 could not be read: x",
                &["asset"],
                "d-7",
            ),
            ("ticket 12: Freshservice answered 500", &["ticket"], "12"),
            (
                "site s-1 `Acme`: no company has account number 7",
                &["site_link"],
                "s-1",
            ),
            (
                "requester 9 could not be read: `name` is not text",
                &["contact"],
                "9",
            ),
            ("`Acme` (department 7): refused", &["company"], "7"),
        ] {
            assert_eq!(mentions(issue), external(kinds, id), "{issue}");
        }
    }

    #[test]
    fn issues_name_records_by_row_ids() {
        let row = |kind, id| Mention::Row(kind, id);
        for (issue, wanted) in [
            (
                "company 3 `Acme`: account number 7 belongs to company `Bolt`",
                vec![row("company", 3)],
            ),
            (
                "contact 5: `name` is cut to 10 of 20 bytes",
                vec![row("contact", 5)],
            ),
            (
                "agent 6 had the name `ann` that a new user has now: they are two agents",
                vec![row("agent", 6)],
            ),
            (
                "duplicate candidate: asset 1 and asset 2 may be one (serial_number); a person merges or rejects it",
                vec![row("asset", 1), row("asset", 2)],
            ),
            (
                "possible duplicate: manual asset 1, 2 and new d-7 share one hostname; all are kept",
                vec![
                    row("asset", 1),
                    row("asset", 2),
                    Mention::External(&["asset"], "d-7"),
                ],
            ),
        ] {
            assert_eq!(mentions(issue), wanted, "{issue}");
        }
    }

    #[test]
    fn issues_about_no_record_name_none() {
        for issue in [
            "",
            "no asset was listed, so none can be proved gone",
            "site `Acme`: its account number is masked and left alone",
            "departments: 8 of 12 company records are missing: held for a person to decide",
            "assets are many",
            "possible duplicate: ",
            "duplicate candidate: x and y may be one",
        ] {
            assert!(mentions(issue).is_empty(), "{issue}: {:?}", mentions(issue));
        }
    }
}
