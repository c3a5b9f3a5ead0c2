//! The conformance suite: what every source must do right, whatever its vendor does wrong.
//!
//! A new integration brings a simulator of its vendor as a [`VendorSetup`] and asks [`conform`] for what its source
//! does wrong; the answer must be empty. `tests/it/conformance.rs` does so for the example of
//! `codex_core::sync::source_api`, and for a source that must fail.

use std::{fmt, time::Duration};

use anyhow::Context as _;
use codex_core::{
    Builder, Codex, Scope,
    jobs::{Job, JobStatus},
    sync::{CallRate, HttpSettings, SyncKind},
};

use crate::{
    harness::database::{self, TestDatabase},
    sim::fault::{FaultKind, Faults, When},
};

/// How often a vendor that limits or fails may be called by one run that is to give up.
const WAIT_TIMEOUT: u64 = 12;

/// A source with a simulator of its vendor.
pub trait VendorSetup {
    /// Adds the source, as it syncs from the simulator, and chooses it.
    fn add_to(&self, builder: Builder, http: HttpSettings) -> anyhow::Result<Builder>;

    /// What the source is to the MSP.
    fn kind(&self) -> SyncKind;

    /// Its name in claims.
    fn provider(&self) -> &'static str;

    /// The kind of record that its first list holds.
    fn record_kind(&self) -> &'static str;

    /// The path of that list, which has several pages.
    fn list(&self) -> &'static str;

    /// The simulator's faults.
    fn faults(&self) -> &Faults;

    /// Calls to the simulator so far.
    fn calls(&self) -> u64;

    /// How many records the list has.
    fn count(&self) -> usize;

    /// Deletes a record at the vendor, so that it is in no list and no view.
    fn delete_one(&self);

    /// Brings it back under its id.
    fn bring_back(&self);
}

/// Something that a source does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `absent list`.
    pub check: &'static str,
    /// What was wrong.
    pub says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.says)
    }
}

/// Runs every check on a vendor of its own; gives what is wrong.
///
/// # Errors
/// When a vendor or a database cannot be made.
pub async fn conform<S: VendorSetup>(
    make: impl AsyncFn() -> anyhow::Result<S>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut add = |check: &'static str, says: Vec<String>| {
        findings.extend(says.into_iter().map(|says| Finding { check, says }));
    };
    add("paging", paging(&Bed::new(make().await?).await?).await?);
    add(
        "authentication",
        authentication(&Bed::new(make().await?).await?).await?,
    );
    add(
        "absent list",
        absent(&Bed::new(make().await?).await?).await?,
    );
    add("limit", limit(&Bed::new(make().await?).await?).await?);
    add(
        "malformed item",
        malformed(&Bed::new(make().await?).await?).await?,
    );
    add(
        "partial list",
        partial(&Bed::new(make().await?).await?).await?,
    );
    add("deletion", deletion(&Bed::new(make().await?).await?).await?);
    add("resume", resume(&Bed::new(make().await?).await?).await?);
    Ok(findings)
}

/// A vendor and a Codex on a database of its own.
struct Bed<S> {
    vendor: S,
    codex: Codex,
    _database: TestDatabase,
}

impl<S: VendorSetup> Bed<S> {
    async fn new(vendor: S) -> anyhow::Result<Self> {
        let database = database::sqlite()?;
        let http = HttpSettings {
            timeout: Duration::from_secs(5),
            max_wait: Duration::from_secs(2),
            backoff: Duration::from_millis(5),
            call_rate: CallRate::default(),
            verify_tls: true,
        };
        let builder = vendor.add_to(Codex::builder(&database.url), http)?;
        Ok(Self {
            codex: builder.open().await?,
            vendor,
            _database: database,
        })
    }

    async fn run(&self) -> anyhow::Result<Job> {
        Ok(self
            .codex
            .sync(&Scope::system(), self.vendor.kind())
            .await?)
    }

    /// A first run that must succeed.
    async fn filled(&self, wrong: &mut Vec<String>) -> anyhow::Result<()> {
        let job = self.run().await?;
        if job.status != JobStatus::Completed {
            wrong.push(format!("a run on a good day fails: {:?}", job.error));
        }
        self.whole("after a good day", wrong).await
    }

    /// Live records of the kind.
    async fn live(&self) -> anyhow::Result<usize> {
        let sql = "select count(*) from claims where source = $1 and kind = $2 and gone_at is null";
        let q = self.codex.db().query(sql).bind(self.vendor.provider());
        let count: Option<i64> = q.bind(self.vendor.record_kind()).scalar().await?;
        usize::try_from(count.context("a count")?).context("a count")
    }

    async fn rows(&self) -> anyhow::Result<i64> {
        let sql = "select (select count(*) from claims) + (select count(*) from change_log)";
        self.codex
            .db()
            .query(sql)
            .scalar()
            .await?
            .context("a count")
    }

    /// Complains when not everything is there that the vendor has.
    async fn whole(&self, when: &str, wrong: &mut Vec<String>) -> anyhow::Result<()> {
        let (live, count) = (self.live().await?, self.vendor.count());
        if live != count {
            wrong.push(format!("{when} there are {live} of {count} records"));
        }
        Ok(())
    }
}

async fn paging<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    let rows = bed.rows().await?;
    bed.run().await?;
    if bed.rows().await? != rows {
        wrong.push("a second run writes, though nothing has changed".to_owned());
    }
    Ok(wrong)
}

async fn authentication<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    bed.vendor
        .faults()
        .add("/", When::Always, FaultKind::Status(401));
    let before = bed.vendor.calls();
    for _ in 0..2 {
        let job = bed.run().await?;
        if job.status != JobStatus::Failed {
            wrong.push("a run whose key is refused does not fail".to_owned());
        }
    }
    let calls = bed.vendor.calls() - before;
    if calls > WAIT_TIMEOUT {
        wrong.push(format!("a refused key is tried {calls} times in two runs"));
    }
    bed.whole("after a refused key", &mut wrong).await?;
    Ok(wrong)
}

async fn absent<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    for status in [404, 403, 500, 503] {
        bed.vendor
            .faults()
            .add(bed.vendor.list(), When::Always, FaultKind::Status(status));
        for _ in 0..2 {
            if bed.run().await?.status == JobStatus::Completed {
                wrong.push(format!("a run completes whose list answers {status}"));
            }
        }
        bed.whole(&format!("after a list that answers {status}"), &mut wrong)
            .await?;
        bed.vendor.faults().clear();
    }
    Ok(wrong)
}

async fn limit<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let soon = FaultKind::RateLimited(Some("1".to_owned()));
    bed.vendor
        .faults()
        .add(bed.vendor.list(), When::First(1), soon);
    bed.filled(&mut wrong).await?;
    bed.vendor.faults().clear();
    let late = FaultKind::RateLimited(Some("600".to_owned()));
    bed.vendor
        .faults()
        .add(bed.vendor.list(), When::Always, late);
    let before = bed.vendor.calls();
    for _ in 0..2 {
        bed.run().await?;
    }
    let calls = bed.vendor.calls() - before;
    if calls > WAIT_TIMEOUT {
        wrong.push(format!(
            "a vendor that asks for ten minutes of rest is called {calls} times"
        ));
    }
    bed.whole("after a limit", &mut wrong).await?;
    Ok(wrong)
}

async fn malformed<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    for kind in [FaultKind::MalformedItem, FaultKind::NullItem] {
        bed.vendor
            .faults()
            .add(bed.vendor.list(), When::Page(1), kind);
        for _ in 0..2 {
            let job = bed.run().await?;
            if job.report.issue_count == 0 {
                wrong.push("an item that cannot be read is not reported".to_owned());
            }
        }
        bed.vendor.faults().clear();
        bed.whole("after an item that cannot be read", &mut wrong)
            .await?;
    }
    Ok(wrong)
}

async fn partial<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    for kind in [
        FaultKind::EmptyList,
        FaultKind::Truncated,
        FaultKind::Repeat,
        FaultKind::HalfBody,
        FaultKind::CutOff,
        FaultKind::NullBody,
        FaultKind::Html,
        FaultKind::NoEnvelope,
        FaultKind::SelfLink,
        FaultKind::ForeignLink,
    ] {
        bed.vendor
            .faults()
            .add(bed.vendor.list(), When::Always, kind.clone());
        for _ in 0..2 {
            let run = tokio::time::timeout(Duration::from_secs(60), bed.run());
            if run.await.is_err() {
                wrong.push(format!(
                    "a run does not end while a list suffers from {kind:?}"
                ));
                return Ok(wrong);
            }
        }
        bed.vendor.faults().clear();
        bed.whole(&format!("after {kind:?}"), &mut wrong).await?;
    }
    Ok(wrong)
}

async fn deletion<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    bed.filled(&mut wrong).await?;
    let claims = bed
        .codex
        .db()
        .query("select count(*) from claims")
        .scalar::<i64>()
        .await?;
    bed.vendor.delete_one();
    for _ in 0..2 {
        bed.run().await?;
    }
    bed.whole("two runs after a deletion", &mut wrong).await?;
    bed.vendor.bring_back();
    bed.run().await?;
    bed.whole("after its return", &mut wrong).await?;
    if bed
        .codex
        .db()
        .query("select count(*) from claims")
        .scalar::<i64>()
        .await?
        != claims
    {
        wrong.push("what returns under its id is another record".to_owned());
    }
    Ok(wrong)
}

async fn resume<S: VendorSetup>(bed: &Bed<S>) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for number in 2..=3 {
        bed.vendor.faults().add(
            bed.vendor.list(),
            When::From(number),
            FaultKind::DropConnection,
        );
        bed.run().await?;
        bed.vendor.faults().clear();
    }
    bed.filled(&mut wrong).await?;
    Ok(wrong)
}
