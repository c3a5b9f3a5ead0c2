//! Contacts across companies.

use codex_core::{
    bulk::{BulkAction, BulkOut},
    contacts::wire::{ContactBulkIn, ContactIn, ContactOut},
};

use crate::{ListOptions, Page, Result, bulk, request::Requester};

const PATH: [&str; 2] = ["api", "contacts"];

/// Calls about contacts.
#[derive(Debug)]
pub struct Contacts<'c>(pub(crate) &'c Requester);

impl Contacts<'_> {
    /// A page of contacts, by name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<ContactOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every contact that `options` let through, page after page.
    pub async fn all(&self, options: &ListOptions) -> Result<Vec<ContactOut>> {
        self.0.all(&PATH, options).await
    }

    /// One contact.
    pub async fn get(&self, id: i64) -> Result<ContactOut> {
        self.0.get(&["api", "contacts", &id.to_string()], &[]).await
    }

    /// Makes a contact.
    pub async fn create(&self, contact: &ContactIn) -> Result<ContactOut> {
        self.0.post_json(&PATH, contact).await
    }

    /// Corrects a contact by hand; gives it as it is now. What is stated wins over every source.
    pub async fn update(&self, id: i64, edit: &ContactIn) -> Result<ContactOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit).await
    }

    /// Makes and corrects many contacts, by id; with [`BulkAction::Upsert`] a row without one means who
    /// alone has its e-mail address. With
    /// `atomic` all rows are written or none.
    pub async fn bulk_write(
        &self,
        rows: &[ContactBulkIn],
        action: BulkAction,
        atomic: bool,
    ) -> Result<BulkOut> {
        bulk::write(self.0, PATH[1], rows, action, atomic).await
    }

    /// Deletes a contact: no sync brings it back, [`crate::Deleted::restore`] does.
    pub async fn delete(&self, id: i64) -> Result<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()]).await
    }
}
