//! Contacts across companies.

use codex_core::contacts::wire::ContactOut;

use crate::{ListOptions, Page, Result, page, request::Requester};

/// Calls about contacts.
#[derive(Debug)]
pub struct Contacts<'c>(pub(crate) &'c Requester);

impl Contacts<'_> {
    /// A page of contacts, by name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<ContactOut>> {
        let answer = self.0.get(&["api", "contacts"], &options.query()).await?;
        Ok(Page {
            next: page::next(&answer.headers),
            items: answer.body,
        })
    }

    /// One contact.
    pub async fn get(&self, id: i64) -> Result<ContactOut> {
        Ok(self
            .0
            .get(&["api", "contacts", &id.to_string()], &[])
            .await?
            .body)
    }
}
