//! Contacts across companies.

use codex_core::{
    bulk::{BulkAction, BulkOut},
    contacts::wire::{ContactBulkIn, ContactIn, ContactOut},
};

use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;

use crate::{
    Creation, Edit, ListOptions, Page, Reading, Records, Result, bulk, request::Requester,
};

const PATH: [&str; 2] = ["api", "contacts"];

/// Calls about contacts.
#[derive(Debug)]
pub struct Contacts<'c>(pub(crate) &'c Requester);

impl Contacts<'_> {
    /// A page of contacts, by name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<ContactOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every contact that `options` let through, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<ContactOut> {
        self.0.records(&PATH, options)
    }

    /// [`Contacts::stream`] to its end, held in memory.
    pub async fn all(&self, options: &ListOptions) -> Result<Vec<ContactOut>> {
        self.stream(options).try_collect().await
    }

    /// As [`Contacts::stream`], but only these keys of each record, tracked fields among them: as a type of
    /// one's own, or as [`serde_json::Map`]. `company_account_numbers`, which [`ContactOut`] lacks, names
    /// the companies of a contact.
    pub fn select<T: DeserializeOwned + Send + 'static>(
        &self,
        fields: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        self.0.chosen(&PATH, fields, options)
    }

    /// One contact.
    pub fn get(&self, id: i64) -> Reading<ContactOut> {
        self.0.read(&["api", "contacts", &id.to_string()])
    }

    /// Creates a contact.
    pub fn create(&self, contact: &ContactIn) -> Creation<ContactOut> {
        self.0.create(&PATH, contact)
    }

    /// Updates a contact; returns it as it is now. Fields that are sent become manual values and win over every source
    /// until released.
    pub fn update(&self, id: i64, edit: &ContactIn) -> Edit<ContactOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit)
    }

    /// Creates or updates many contacts, by id. With [`BulkAction::Upsert`] a row without an id updates the only
    /// contact with its e-mail address. With `atomic` all rows are written or none.
    pub fn bulk_write(
        &self,
        rows: &[ContactBulkIn],
        action: BulkAction,
        atomic: bool,
    ) -> Creation<BulkOut> {
        bulk::write(self.0, PATH[1], rows, action, atomic)
    }

    /// Deletes a contact. No sync brings it back; [`crate::Deleted::restore`] does.
    pub fn delete(&self, id: i64) -> Edit<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()])
    }
}
