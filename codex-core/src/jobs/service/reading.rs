//! What pages show of jobs: which syncs there are, their last jobs, and the records that issues are about.

use std::collections::{BTreeSet, HashMap};

use crate::{
    RecordKind, Result, Scope,
    codex::Codex,
    jobs::{
        Job, JobStatus, query,
        record_issues::{self, Mention, RecordIssue},
    },
    list::{FacetOut, Page, PageRequest},
    records::service::names::{self, RecordName},
    sync::{SyncKind, VendorLimits, engine::rate_limit_block::limits},
};

impl Codex {
    /// The syncs whose vendors are configured.
    pub fn available_syncs(&self) -> Vec<SyncKind> {
        let all = SyncKind::ALL.into_iter();
        all.filter(|kind| self.source(*kind).is_ok()).collect()
    }

    /// The newest job of every sync that has one of some states.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn newest_jobs(&self, scope: &Scope, states: &[JobStatus]) -> Result<Vec<Job>> {
        query::newest(&self.0.db, scope, states).await
    }

    /// A page of jobs.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming an unusable filter or sort key, [`crate::Error::Forbidden`] for clients.
    pub async fn jobs_page(&self, scope: &Scope, request: &PageRequest) -> Result<Page<Job>> {
        query::page(&self.0.db, scope, request).await
    }

    /// How many jobs of a list there are of each sync and source, and in each state.
    ///
    /// # Errors
    /// As [`Codex::jobs_page`].
    pub async fn job_facets(&self, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
        query::facets(&self.0.db, scope, request).await
    }

    /// The issues of the last job of each sync that concern a record, by its kind and row id; the newest first. Clients
    /// get none.
    ///
    /// # Errors
    /// [`crate::Error::Db`].
    pub async fn record_issues(
        &self,
        scope: &Scope,
        kind: RecordKind,
        id: i64,
    ) -> Result<Vec<RecordIssue>> {
        record_issues::of_record(&self.0.db, scope, kind, id).await
    }

    /// What the account allows that a job calls; `None` for a job that has ended.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn job_limits(&self, scope: &Scope, job: &Job) -> Result<Option<VendorLimits>> {
        scope.require_staff("reading sync jobs")?;
        match job.vendor() {
            Some(vendor) if !job.status.is_over() => {
                let limits = limits(&self.0.db, vendor, self.now()).await?;
                Ok(Some(limits))
            }
            _ => Ok(None),
        }
    }

    /// The records that each issue of a job is about, in the order of the issues. An issue about a site leads to the
    /// site's company.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn issue_records(&self, scope: &Scope, job: &Job) -> Result<Vec<Vec<RecordName>>> {
        scope.require_staff("reading sync jobs")?;
        let mentioned = mentioned(job);
        let (kinds, external_ids) = external(&mentioned);
        let (db, vendor) = (&self.0.db, job.vendor().unwrap_or_default());
        let rows = names::by_external_ids(db, vendor, &kinds, &external_ids).await?;
        let companies = self.companies_of_sites(&rows).await?;
        let wanted = wanted(&mentioned, &rows, &companies);
        let all: Vec<RecordKey> = wanted.iter().flatten().copied().collect();
        let named = names::names(db, scope, all).await?;
        let of_issue = |keys: &Vec<RecordKey>| -> Vec<RecordName> {
            let records = keys.iter().filter_map(|key| named.get(key).cloned());
            records.collect()
        };
        Ok(wanted.iter().map(of_issue).collect())
    }

    /// The companies of the sites among some rows.
    async fn companies_of_sites(&self, rows: &SourceRows) -> Result<HashMap<i64, i64>> {
        let sites = rows
            .iter()
            .filter(|((kind, _), _)| kind == RecordKind::SiteLink.name());
        let sites: Vec<i64> = sites.map(|(_, id)| *id).collect();
        if sites.is_empty() {
            return Ok(HashMap::new());
        }
        let mut q = self
            .0
            .db
            .query("select id, company_id from site_links where company_id is not null and id in ");
        q.push_list(sites);
        Ok(q.all::<(i64, i64)>().await?.into_iter().collect())
    }
}

/// Kind and row id of a record.
type RecordKey = (RecordKind, i64);
/// Row ids by kind and id at the source.
type SourceRows = HashMap<(String, String), i64>;

/// What each issue of a job is about.
fn mentioned(job: &Job) -> Vec<Vec<Mention<'_>>> {
    let issues = job.report.issues.iter();
    issues.map(|issue| record_issues::mentions(issue)).collect()
}

/// The kinds and ids of what is named by ids of the source.
fn external<'i>(mentioned: &[Vec<Mention<'i>>]) -> (Vec<&'static str>, Vec<&'i str>) {
    let (mut kinds, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for mention in mentioned.iter().flatten() {
        if let Mention::External(of, id) = mention {
            kinds.extend(of.iter().copied());
            ids.insert(*id);
        }
    }
    (kinds.into_iter().collect(), ids.into_iter().collect())
}

/// The records of each issue. In place of a site stands its company.
fn wanted(
    mentioned: &[Vec<Mention<'_>>],
    rows: &SourceRows,
    companies: &HashMap<i64, i64>,
) -> Vec<Vec<RecordKey>> {
    let key = |kind: &str, id: i64| match kind.parse::<RecordKind>().ok()? {
        RecordKind::SiteLink => companies.get(&id).map(|id| (RecordKind::Company, *id)),
        other => Some((other, id)),
    };
    let mut wanted = Vec::new();
    for mentions in mentioned {
        let mut records = Vec::new();
        for mention in mentions {
            match mention {
                Mention::Row(kind, id) => records.extend(key(kind, *id)),
                Mention::External(kinds, external_id) => {
                    for kind in *kinds {
                        let row = rows.get(&((*kind).to_owned(), (*external_id).to_owned()));
                        records.extend(row.and_then(|id| key(kind, *id)));
                    }
                }
            }
        }
        wanted.push(records);
    }
    wanted
}
