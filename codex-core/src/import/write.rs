//! Writing a page of rows: through the record writer, in the transaction of its checkpoint.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    flaws::Flaw,
    map::{
        Mapped,
        tickets::{MappedTicket, Note},
    },
    report::TableReport,
};
use crate::{
    Result,
    agents::Agent,
    assets::Asset,
    billing_plans::BillingPlan,
    companies::Company,
    contacts::Contact,
    feature_options::FeatureOption,
    fold::words,
    ids::TicketId,
    jobs::{Job, query},
    locations::Location,
    overrides::Override,
    psa_agents::PsaAgent,
    records::{
        Author, Resource,
        claims::ClaimSource,
        live,
        match_imported::save_keys,
        resolve::{IMPORT, MANUAL, Precedence},
        writer::RecordWriter,
    },
    site_links::SiteLink,
    store::Tx,
    tickets::{
        Details, ReadList, Ticket,
        threads::{self, save_labels},
    },
};

const MAIN: ClaimSource = ClaimSource::Main(IMPORT);

/// A page of a table, mapped.
#[derive(Debug)]
pub(super) enum Batch {
    Companies(Vec<Mapped<Company>>),
    Contacts(Vec<Mapped<Contact>>),
    /// Contact and company of ours, with the key of the row.
    ContactCompanies(Vec<(i64, i64, String)>),
    Sites(Vec<Mapped<SiteLink>>),
    Assets(Vec<Mapped<Asset>>),
    /// Asset and contact, with the key of the row.
    AssetContacts(Vec<(i64, i64, String)>),
    Locations(Vec<Mapped<Location>>),
    Overrides(Vec<Mapped<Override>>),
    PsaAgents(Vec<Mapped<PsaAgent>>),
    Agents(Vec<Mapped<Agent>>),
    Plans(Vec<Mapped<BillingPlan>>),
    Options(Vec<Mapped<FeatureOption>>),
    Tickets(Vec<MappedTicket>),
    Jobs(Vec<Job>),
    /// Nothing to write.
    Counted,
}

impl Batch {
    /// How many rows become records or links.
    pub fn len(&self) -> usize {
        match self {
            Self::Companies(all) => all.len(),
            Self::Contacts(all) => all.len(),
            Self::ContactCompanies(all) | Self::AssetContacts(all) => all.len(),
            Self::Sites(all) => all.len(),
            Self::Assets(all) => all.len(),
            Self::Locations(all) => all.len(),
            Self::Overrides(all) => all.len(),
            Self::PsaAgents(all) => all.len(),
            Self::Agents(all) => all.len(),
            Self::Plans(all) => all.len(),
            Self::Options(all) => all.len(),
            Self::Tickets(all) => all.len(),
            Self::Jobs(all) => all.len(),
            Self::Counted => 0,
        }
    }
}

/// What writing needs.
#[derive(Debug)]
pub(super) struct Writer<'w> {
    pub tx: &'w mut Tx,
    pub author: &'w Author,
    pub precedence: &'w Precedence,
}

impl Writer<'_> {
    /// Writes a page; counts its rows in `report`.
    pub async fn write(&mut self, batch: Batch, report: &mut TableReport) -> Result<()> {
        let rows = batch.len() as u64;
        let written = match batch {
            Batch::Companies(all) => self.records(all).await.map(|_| rows)?,
            Batch::Contacts(all) => self.records(all).await.map(|_| rows)?,
            Batch::Sites(all) => self.records(all).await.map(|_| rows)?,
            Batch::Assets(all) => self.records(all).await.map(|_| rows)?,
            Batch::Locations(all) => self.records(all).await.map(|_| rows)?,
            Batch::Overrides(all) => self.records(all).await.map(|_| rows)?,
            Batch::PsaAgents(all) => self.records(all).await.map(|_| rows)?,
            Batch::Agents(all) => self.records(all).await.map(|_| rows)?,
            Batch::Plans(all) => self.records(all).await.map(|_| rows)?,
            Batch::Options(all) => self.records(all).await.map(|_| rows)?,
            Batch::ContactCompanies(all) => self.contact_companies(all, report).await?,
            Batch::AssetContacts(all) => self.asset_contacts(all, report).await?,
            Batch::Tickets(all) => self.tickets(all).await.map(|()| rows)?,
            Batch::Jobs(all) => {
                for job in &all {
                    query::insert_ended(self.tx, job).await?;
                }
                rows
            }
            Batch::Counted => 0,
        };
        report.imported += written;
        Ok(())
    }

    /// Writes records with their ids and keys; gives the row of each by the import's id.
    async fn records<R: Resource>(
        &mut self,
        mapped: Vec<Mapped<R>>,
    ) -> Result<HashMap<String, i64>> {
        if mapped.is_empty() {
            return Ok(HashMap::new());
        }
        let (mut page, mut ids, mut keys) = (Vec::new(), HashMap::new(), Vec::new());
        for one in mapped {
            let external_id = one.record.external_id.clone();
            if let Some(id) = one.id {
                ids.insert(external_id.clone(), id);
            }
            keys.extend(one.keys.into_iter().map(|key| (external_id.clone(), key)));
            page.push((MAIN, one.record));
        }
        let externals: BTreeSet<String> = page
            .iter()
            .map(|(_, record)| record.external_id.clone())
            .collect();
        let mut writer = RecordWriter {
            tx: &mut *self.tx,
            author: self.author,
            precedence: self.precedence,
        };
        writer.apply_with_ids(page, &ids).await?;
        let mut q = self
            .tx
            .query("select external_id, record_id from claims where kind = ");
        q.push_bind(R::KIND)
            .push(" and source = ")
            .push_bind(IMPORT)
            .push(" and external_id in ")
            .push_list(externals);
        let rows: HashMap<String, i64> = q.all::<(String, i64)>().await?.into_iter().collect();
        let keys: Vec<(String, i64)> = keys
            .into_iter()
            .filter_map(|(external_id, key)| Some((key, *rows.get(&external_id)?)))
            .collect();
        save_keys::<R>(self.tx, &keys).await?;
        Ok(rows)
    }

    /// Links contacts with companies that the departments of their claims do not name already.
    async fn contact_companies(
        &mut self,
        links: Vec<(i64, i64, String)>,
        report: &mut TableReport,
    ) -> Result<u64> {
        let contacts = links.iter().map(|(contact, ..)| *contact);
        let there = live::<Contact>(self.tx, contacts).await?;
        let mut q = self
            .tx
            .query("select contact_id, company_id from contact_company where contact_id in ");
        q.push_list(there.iter().copied());
        let known: BTreeSet<(i64, i64)> = q.all::<(i64, i64)>().await?.into_iter().collect();
        let (mut new, mut written) = (BTreeSet::new(), 0);
        for (contact, company, key) in links {
            if !there.contains(&contact) {
                report.skip(Flaw::AddedSince, &key);
                continue;
            }
            written += 1;
            if !known.contains(&(contact, company)) {
                report.flaw(Flaw::LinkLocal, &key);
                new.insert((contact, company));
            }
        }
        if !new.is_empty() {
            let mut q = self.tx.query(
                "insert into contact_companies (contact_id, source, ref, company_id, removed) ",
            );
            q.push_rows(new, |row, (contact, company)| {
                row.bind(contact).bind(MANUAL).bind(company.to_string());
                row.bind(company).bind(false);
            });
            q.push(" on conflict (contact_id, source, ref) do nothing");
            q.execute().await?;
        }
        Ok(written)
    }

    /// Links assets with the people who use them: manual links, as people made them.
    async fn asset_contacts(
        &mut self,
        links: Vec<(i64, i64, String)>,
        report: &mut TableReport,
    ) -> Result<u64> {
        let assets = live::<Asset>(self.tx, links.iter().map(|(asset, ..)| *asset)).await?;
        let contacts =
            live::<Contact>(self.tx, links.iter().map(|(_, contact, _)| *contact)).await?;
        let mut new = Vec::new();
        for (asset, contact, key) in links {
            if assets.contains(&asset) && contacts.contains(&contact) {
                new.push((asset, contact));
            } else {
                report.skip(Flaw::AddedSince, &key);
            }
        }
        let written = new.len() as u64;
        if !new.is_empty() {
            let mut q = self
                .tx
                .query("insert into asset_contacts (asset_id, source, contact_id, removed) ");
            q.push_rows(new, |row, (asset, contact)| {
                row.bind(asset).bind(MANUAL).bind(contact).bind(false);
            });
            q.push(" on conflict (asset_id, source, contact_id) do nothing");
            q.execute().await?;
        }
        Ok(written)
    }

    async fn tickets(&mut self, mapped: Vec<MappedTicket>) -> Result<()> {
        let (mut records, mut beside) = (Vec::new(), Vec::new());
        for one in mapped {
            let source = one.ticket.record.fields.get("external_source");
            let source = source
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned);
            let id = one.ticket.record.external_id.clone();
            beside.push((
                id,
                source.unwrap_or_default(),
                one.minutes,
                one.sent,
                one.notes,
            ));
            records.push(one.ticket);
        }
        let rows = self.records::<Ticket>(records).await?;
        let (mut minutes, mut notes) = (Vec::new(), Vec::new());
        let mut details: BTreeMap<String, Vec<Details>> = BTreeMap::new();
        for (id, source, worked, sent, said) in beside {
            let Some(row) = rows.get(&id).copied() else {
                continue;
            };
            minutes.extend(worked.map(|worked| (row, worked)));
            notes.extend(said.into_iter().map(|note| (row, note)));
            if !sent.is_empty() {
                let read = Details {
                    ticket: row,
                    // The next sync reads them again: the Flask service did not say after which change it had.
                    of: DateTime::UNIX_EPOCH,
                    conversations: Some(ReadList {
                        items: sent,
                        whole: false,
                    }),
                    entries: None,
                    pending: None,
                };
                details.entry(source).or_default().push(read.of_row(row));
            }
        }
        for (source, all) in details {
            threads::replace(self.tx, &source, self.author.at, &all).await?;
        }
        self.minutes(&minutes).await?;
        self.notes(notes).await
    }

    async fn minutes(&mut self, minutes: &[(i64, i64)]) -> Result<()> {
        if minutes.is_empty() {
            return Ok(());
        }
        let mut q = self
            .tx
            .query("insert into ticket_details (ticket_id, minutes) ");
        q.push_upsert_rows(
            minutes,
            |(ticket, _)| *ticket,
            |row, (ticket, minutes)| {
                row.bind(*ticket).bind(*minutes);
            },
        );
        q.push(" on conflict (ticket_id) do update set minutes = excluded.minutes");
        q.execute().await?;
        Ok(())
    }

    /// Writes notes that are not there yet: a table may be imported again.
    async fn notes(&mut self, notes: Vec<(i64, Note)>) -> Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        let tickets: BTreeSet<TicketId> = notes.iter().map(|(row, _)| TicketId(*row)).collect();
        let mut q = self.tx.query(
            "select ticket_id, coalesce(body, ''), created_at from conversations \
             where external_id is null and ticket_id in ",
        );
        q.push_list(tickets);
        let known: BTreeSet<(i64, String, Option<DateTime<Utc>>)> =
            q.all().await?.into_iter().collect();
        let mut new = notes;
        new.retain(|(row, note)| !known.contains(&(*row, note.body.clone(), note.created_at)));
        let none: [String; 0] = [];
        for chunk in new.chunks(500) {
            let mut q = self.tx.query(
                "insert into conversations (ticket_id, source, author, author_name, incoming, private, \
                 from_email, to_emails, body_html, body, words, attachments, created_at, updated_at) ",
            );
            q.push_rows(chunk, |row, (ticket, note)| {
                row.bind(*ticket)
                    .bind(note.source)
                    .bind_text(note.author.as_deref())
                    .bind_text(note.author.as_deref())
                    .bind(note.is_incoming)
                    .bind(note.is_private)
                    .bind_text(note.from_email.as_deref())
                    .bind(Json(&none))
                    .bind_text(note.body_html.as_deref())
                    .bind(note.body.as_str())
                    .bind(words(&note.body))
                    .bind(Json(&none))
                    .bind(note.created_at)
                    .bind(note.created_at);
            });
            q.execute().await?;
        }
        Ok(())
    }

    /// Keeps the words that the Flask service had for the account's statuses.
    pub async fn labels(&mut self, source: &str, labels: &[(i64, String)]) -> Result<()> {
        save_labels(self.tx, source, labels).await
    }
}
