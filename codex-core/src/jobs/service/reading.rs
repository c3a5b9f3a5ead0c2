//! What pages show of jobs: which syncs there are, their last jobs, and the records that issues are about.

use std::collections::{BTreeSet, HashMap};

use crate::{
    Result, Scope,
    codex::Codex,
    jobs::{
        Job, JobStatus,
        query::{self, JobFilter},
        trouble::{self, Mention, Trouble},
    },
    list::Page,
    records::service::names::{self, RecordName},
    sync::{SyncKind, VendorLimits, engine::rate_limit_block::limits},
};

const SITE_LINK: &str = "site_link";
const COMPANY: &str = "company";

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

    /// A page of jobs, the newest first.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a cursor of another list, [`crate::Error::Forbidden`] for clients.
    pub async fn jobs_page(&self, scope: &Scope, filter: &JobFilter) -> Result<Page<Job>> {
        query::page(&self.0.db, scope, filter).await
    }

    /// The issues of the last job of each sync that concern a record, by its kind and row id; the newest first. Clients
    /// get none.
    ///
    /// # Errors
    /// [`crate::Error::Db`].
    pub async fn trouble(&self, scope: &Scope, kind: &str, id: i64) -> Result<Vec<Trouble>> {
        trouble::of_record(&self.0.db, scope, kind, id).await
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
        let issues = job.report.issues.iter();
        let mentioned: Vec<Vec<Mention<'_>>> =
            issues.map(|issue| trouble::mentions(issue)).collect();
        let (mut kinds, mut external_ids) = (BTreeSet::new(), BTreeSet::new());
        for mention in mentioned.iter().flatten() {
            if let Mention::External(of, id) = mention {
                kinds.extend(of.iter().copied());
                external_ids.insert(*id);
            }
        }
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let external_ids: Vec<&str> = external_ids.into_iter().collect();
        let vendor = job.vendor().unwrap_or_default();
        let db = &self.0.db;
        let rows = names::by_external_ids(db, vendor, &kinds, &external_ids).await?;
        let sites = rows.iter().filter(|((kind, _), _)| kind == SITE_LINK);
        let companies = self.companies_of_sites(sites.map(|(_, id)| *id)).await?;
        let record = |kind: &str, id: i64| match kind {
            SITE_LINK => companies.get(&id).map(|id| (COMPANY.to_owned(), *id)),
            other => Some((other.to_owned(), id)),
        };
        let of_mention = |mention: &Mention<'_>| -> Vec<(String, i64)> {
            match mention {
                Mention::Row(kind, id) => record(kind, *id).into_iter().collect(),
                Mention::External(kinds, id) => {
                    let rows = kinds.iter().filter_map(|kind| {
                        let key = ((*kind).to_owned(), (*id).to_owned());
                        record(kind, *rows.get(&key)?)
                    });
                    rows.collect()
                }
            }
        };
        let wanted: Vec<Vec<(String, i64)>> = mentioned
            .iter()
            .map(|all| all.iter().flat_map(of_mention).collect())
            .collect();
        let named = names::names(db, scope, wanted.iter().flatten().cloned()).await?;
        let of_issue = |keys: &Vec<(String, i64)>| {
            let records = keys.iter().filter_map(|key| named.get(key).cloned());
            records.collect()
        };
        Ok(wanted.iter().map(of_issue).collect())
    }

    async fn companies_of_sites(
        &self,
        sites: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, i64>> {
        let sites: Vec<i64> = sites.collect();
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
