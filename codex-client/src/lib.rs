//! Typed async client of HiveMatrix Codex.
//!
//! A tour: open, list with a filter, create, update, sync and wait, and a body that is refused.
//!
//! ```no_run
//! # async fn tour() -> codex_client::Result<()> {
//! use std::time::Duration;
//!
//! use codex_client::{Client, CompanyIn, Error, ListOptions, Op, SyncKind, TokenSource};
//! use futures::TryStreamExt as _;
//!
//! let codex = Client::new("http://127.0.0.1:5010", TokenSource::fixed("a token of Core"))?;
//!
//! let acme = ListOptions::default().with("name", Op::Contains, "acme");
//! let mut companies = codex.companies().stream(&acme);
//! while let Some(company) = companies.try_next().await? {
//!     println!("{} {}", company.account_number, company.name);
//! }
//!
//! let new = CompanyIn { name: "Acme".into(), ..CompanyIn::default() };
//! let company = codex.companies().create(&new).await?;
//! let account = company.account_number;
//!
//! // Absent fields stay as they are; `Patch::Null` blanks one.
//! let edit = CompanyIn { description: "Bakery".into(), ..CompanyIn::default() };
//! let company = codex.companies().update(&account, &edit).await?;
//! println!("{:?}", company.description);
//!
//! let started = codex.sync().start(SyncKind::Psa).await?;
//! let job = codex.sync().wait(&started.job_id, Duration::from_secs(600)).await?;
//! println!("{:?} at {:?}", job.status, job.completed_at);
//!
//! let odd = CompanyIn { compliance_level: "odd".into(), ..CompanyIn::default() };
//! match codex.companies().update(&account, &odd).await {
//!     Err(Error::Validation { faults, .. }) => {
//!         for fault in faults {
//!             println!("{}: {}", fault.pointer, fault.detail);
//!         }
//!     }
//!     Err(error) => return Err(error),
//!     Ok(company) => println!("{}", company.compliance_level),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Answers are the wire types of `codex-core`. Their times are [`chrono::DateTime`].
//!
//! # Errors
//!
//! [`Error`] has a variant for each reaction: correct the body, sign in, read again, try later. [`Error::faults`]
//! names what is wrong with a body, [`Error::status`] and [`Error::code`] say how Codex answered, and
//! [`Error::correlation_id`] finds the call in its log. [`Error::is_retryable`] says whether the same call may succeed
//! later; calls that may be sent twice have been tried again already.
//!
//! # Lists
//!
//! Streams fetch a page when the one before is used up. Filters name columns of the record:
//!
//! ```no_run
//! # async fn tour(codex: codex_client::Client) -> codex_client::Result<()> {
//! use codex_client::{ListOptions, Op};
//! use futures::TryStreamExt as _;
//!
//! let silent = ListOptions { sort: Some("-last_seen".into()), ..ListOptions::default() }
//!     .with("last_seen", Op::Lt, "2026-01-31")
//!     .one_of("hardware_type", ["Server", "Virtual Machine"]);
//! let mut assets = codex.assets().stream(&silent);
//! while let Some(asset) = assets.try_next().await? {
//!     println!("{}", asset.hostname);
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Row { hostname: String, device_uid: Option<String> }
//! let rows = codex.assets().select::<Row>(&["hostname", "device_uid"], &silent);
//! let rows: Vec<Row> = rows.try_collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Changes
//!
//! A body has a [`Patch`] for each field: what is left at its default is not sent, [`Patch::Null`] blanks the field.
//!
//! A change is sent when it is awaited. Before, it can be bound to the record as it was read, get a key, or become a
//! dry run:
//!
//! ```no_run
//! # async fn tour(codex: codex_client::Client) -> codex_client::Result<()> {
//! use codex_client::{CompanyIn, Error};
//!
//! let read = codex.companies().get("100001").tagged().await?;
//! let edit = CompanyIn { name: "Acme".into(), ..CompanyIn::default() };
//! let plan = codex.companies().update("100001", &edit).dry_run().await?;
//! for change in plan.changes {
//!     println!("{change}");
//! }
//! match codex.companies().update("100001", &edit).if_match(&read.etag).await {
//!     Ok(company) => println!("{}", company.name),
//!     Err(Error::Changed(_)) => println!("somebody was faster"),
//!     Err(error) => return Err(error),
//! }
//! codex.companies().create(&edit).idempotency_key("order 4711").await?;
//! # Ok(())
//! # }
//! ```
//!
//! Calls that create or start something have a key of their own unless one is given, so that they take effect once
//! although they are tried again. A server that knows no such keys would create twice: build the client with
//! [`Builder::retries`] of 0 for it.
//!
//! # Jobs
//!
//! [`Sync::wait`] returns when a job has ended. [`Sync::watch`] shows its progress until then:
//!
//! ```no_run
//! # async fn tour(codex: codex_client::Client) -> codex_client::Result<()> {
//! use codex_client::SyncKind;
//! use futures::TryStreamExt as _;
//!
//! let started = codex.sync().start(SyncKind::Datto).await?;
//! let mut states = codex.sync().watch(&started.job_id);
//! while let Some(job) = states.try_next().await? {
//!     println!("{:?}: {}", job.status, job.report.stage);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Cache
//!
//! Answers with a tag are kept up to [`Builder::cache_bytes`]. The server is asked every time. When nothing has
//! changed, it sends no body, and the kept answer is decoded.
#![warn(missing_docs)]

mod agents;
mod assets;
mod billing;
mod builder;
mod bulk;
mod cache;
mod claims;
mod companies;
mod contacts;
mod dashboard;
mod deleted;
mod devices;
mod download;
mod duplicates;
mod error;
mod export;
mod facets;
mod health;
mod holds;
mod items;
mod outbox;
mod page;
mod pending;
mod psa_agents;
mod request;
mod search;
mod services;
mod sync;
mod tags;
mod tickets;
mod token;
mod tries;
mod views;
mod webhooks;

#[cfg(test)]
mod tests;

pub use agents::{Agents, MySettings};
pub use assets::Assets;
pub use billing::Billing;
pub use builder::Builder;
pub use claims::Claims;
pub use codex_core::{
    Fault,
    agents::wire::{
        AgentCompanies, AgentIn, AgentOut, AgentSaved, AgentsSynced, HomePageOut,
        MySettingsChanged, MySettingsOut, SettingsIn, SettingsOut, ThemeOut,
    },
    assets::{
        audit::wire::AssetAuditOut,
        billable::{BackedUp, BillableBackup, BillableCount, BillableOut, BillableRecord},
        devices::{DeviceDetailOut, DeviceHardwareOut, DeviceHealthOut, DeviceOut, DevicesOut},
        wire::{AssetBulkIn, AssetIn, AssetOut},
    },
    billing_plans::{
        effective::{EffectivePlanOut, EffectivePrice, EffectiveText, ValueSource},
        input::BillingPlanIn,
        wire::{
            BillingExport, BillingImported, BillingPlanOut, BulkPlanOut, BulkPlansOut,
            LedgerPlanOut, PlanFeaturesOut,
        },
    },
    bulk::{BulkAction, BulkOut, BulkResult, BulkStatus, DryRunOut},
    claims::{
        ClaimedResource,
        wire::{FieldClaimsOut, OtherClaimOut, RecordClaimsOut, SourceRecordOut},
    },
    companies::{
        ComplianceLevel,
        wire::{CompanyBundleOut, CompanyIn, CompanyOut, RenumberIn, Renumbered},
    },
    contacts::wire::{ContactBulkIn, ContactIn, ContactOut},
    dashboard::wire::{
        CompanyTicketsOut, ContractMonthOut, DashboardAssetOut, DashboardAssetsOut,
        DashboardContractOut, DashboardContractsOut, DashboardCountsOut, DashboardOut,
        DashboardTicketOut, DashboardTicketsOut, NamedCountOut, OwnTicketsOut, PendingOut,
        PriorityTicketsOut, SyncDayOut, TicketWeekOut,
    },
    duplicates::{
        DuplicateState, Fact,
        wire::{DuplicateMergeIn, DuplicateOut, DuplicateRecord},
    },
    feature_options::wire::{FeatureOptionIn, FeatureOptionOut, LedgerOptionOut, LedgerOptionsOut},
    health::wire::{HealthOut, RootOut, Status},
    holds::{HoldStatus, wire::HoldOut},
    jobs::{
        JobStatus,
        wire::{JobDetailOut, JobOut, JobStarted},
    },
    list::{FacetOut, FacetValue, ListedResource, Op},
    locations::wire::{LocationIn, LocationOut},
    money::Money,
    outbox::{OutboxKind, OutboxState, wire::OutboxOut},
    overrides::wire::{OverrideIn, OverrideOut, OverrideValue},
    psa_agents::wire::{PsaAgentOut, PsaConfigOut, PsaGroupsOut, PsaProviderOut},
    records::{ChangeOp, ChangeOut, DeletedOut, Patch},
    search::wire::{SearchHit, SearchOut},
    tags::{
        TaggedKind,
        wire::{TagAddedOut, TagIn, TagOut, TagRecordsIn, TagRemovedOut},
    },
    tickets::{
        psa::{PsaActiveTicketOut, PsaTicketOut},
        wire::{
            ActiveOut, ActiveTicketOut, CompanyTicketOut, ConversationOut, TicketDetailOut,
            TicketOut, TicketUpdateIn, TicketUpdateOut, TicketsOut,
        },
    },
    views::{
        ViewAudience,
        wire::{ViewIn, ViewOut},
    },
};
pub use companies::{BulkTickets, Companies};
pub use contacts::Contacts;
pub use deleted::Deleted;
pub use devices::{DeviceOptions, Devices};
pub use download::Download;
pub use duplicates::Duplicates;
pub use error::{Error, Refusal, Result};
pub use export::ExportFormat;
pub use health::Health;
pub use holds::Holds;
pub use outbox::Outbox;
pub use page::{Filter, ListOptions, Page, Records};
pub use pending::{Creation, Edit, Etag, Pending, Reading, Start, Tagged, kind};
pub use psa_agents::PsaAgents;
pub use search::SearchOptions;
pub use services::Services;
pub use sync::{Sync, SyncKind};
pub use tags::Tags;
pub use tickets::{PsaTicketOptions, TicketOptions, Tickets};
pub use token::TokenSource;
pub use views::Views;
pub use webhooks::Webhooks;

use request::Requester;

/// A client of one Codex. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client(Requester);

impl Client {
    /// A client of the Codex at `base`, such as `http://127.0.0.1:5010` or `https://host/codex`.
    ///
    /// # Errors
    /// [`Error::Address`] when `base` is no URL.
    pub fn new(base: &str, token: TokenSource) -> Result<Self> {
        Self::builder(base, token).build()
    }

    /// A client with timeout, name and retries of one's own.
    pub fn builder(base: &str, token: TokenSource) -> Builder {
        Builder::new(base, token)
    }

    /// The same client on behalf of a request that has an id already, so that one id leads through the
    /// logs of all modules. An id that cannot stand in a header is replaced by a new one per call.
    pub fn with_correlation_id(&self, id: &str) -> Self {
        Self(self.0.with_correlation_id(id))
    }

    /// Companies and what belongs to them.
    pub fn companies(&self) -> Companies<'_> {
        Companies(&self.0)
    }

    /// What each source states about a record.
    pub fn claims(&self) -> Claims<'_> {
        Claims(&self.0)
    }

    /// Contacts across companies.
    pub fn contacts(&self) -> Contacts<'_> {
        Contacts(&self.0)
    }

    /// Assets across companies.
    pub fn assets(&self) -> Assets<'_> {
        Assets(&self.0)
    }

    /// Billing plans, feature options and what companies are billed by.
    pub fn billing(&self) -> Billing<'_> {
        Billing(&self.0)
    }

    /// Assets as the devices of an RMM.
    pub fn devices(&self) -> Devices<'_> {
        Devices(&self.0)
    }

    /// Tickets.
    pub fn tickets(&self) -> Tickets<'_> {
        Tickets(&self.0)
    }

    /// The PSA's agents.
    pub fn psa_agents(&self) -> PsaAgents<'_> {
        PsaAgents(&self.0)
    }

    /// The people who log in.
    pub fn agents(&self) -> Agents<'_> {
        Agents(&self.0)
    }

    /// The settings of the person whose token is used.
    pub fn my_settings(&self) -> MySettings<'_> {
        MySettings(&self.0)
    }

    /// Syncs and their jobs.
    pub fn sync(&self) -> Sync<'_> {
        Sync(&self.0)
    }

    /// Changes of tickets on their way to the PSA.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox(&self.0)
    }

    /// Deletions that wait for a person.
    pub fn holds(&self) -> Holds<'_> {
        Holds(&self.0)
    }

    /// Records that may be one.
    pub fn duplicates(&self) -> Duplicates<'_> {
        Duplicates(&self.0)
    }

    /// Tags, and the records that have them.
    pub fn tags(&self) -> Tags<'_> {
        Tags(&self.0)
    }

    /// Saved views of lists.
    pub fn views(&self) -> Views<'_> {
        Views(&self.0)
    }

    /// What people have deleted.
    pub fn deleted(&self) -> Deleted<'_> {
        Deleted(&self.0)
    }

    /// Webhooks, as a vendor sends them.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(&self.0)
    }

    /// How well Codex is.
    pub fn health(&self) -> Health<'_> {
        Health(&self.0)
    }
}
