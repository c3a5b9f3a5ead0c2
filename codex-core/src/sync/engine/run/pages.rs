//! Taking pages: what could be read of them, what has arrived, and what goes to the database at once.

use std::collections::HashSet;

use super::{MAX_ROWS, Run, short};
use crate::{
    Result,
    records::{
        ItemError, Resource, SourceRecord, Unread,
        claims::{ClaimSource, Statement},
    },
    sync::engine::step::{Step, checked},
};

/// An item with what parts of its source state about it.
pub type WithParts<R> = (SourceRecord<R>, Vec<Statement<R>>);

impl Run {
    /// Takes a page of mapped items. Unreadable ones are reported and skipped; gives how many those were.
    ///
    /// # Errors
    /// [`crate::Error::Sync`] when the run was cancelled or its lease is lost, [`crate::Error::Db`].
    pub async fn page<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<SourceRecord<R>, ItemError>>,
    ) -> Result<usize> {
        let whole = |item| Ok((item?, Vec::new()));
        let (readable, unreadable) = self.readable(origin, items.into_iter().map(whole));
        self.take(origin, readable).await?;
        Ok(unreadable)
    }

    /// As [`Run::page`], for items that come together with what parts of the source state about them:
    /// one resolution, one entry in the log.
    pub async fn page_with_parts<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<WithParts<R>, ItemError>>,
    ) -> Result<usize> {
        let (readable, unreadable) = self.readable(origin, items);
        self.take(origin, readable).await?;
        Ok(unreadable)
    }

    /// Sorts out what could not be read, and notes what has arrived.
    fn readable<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<WithParts<R>, ItemError>>,
    ) -> (Vec<WithParts<R>>, usize) {
        let mut readable = Vec::new();
        let mut unreadable = 0;
        for item in items {
            match item.and_then(|(item, parts)| Ok((checked(item)?, parts))) {
                Ok(item) => readable.push(item),
                Err(error) => {
                    unreadable += 1;
                    self.issue(error.to_string());
                }
            }
        }
        self.counts::<R>().failed += unreadable as u64;
        for (item, parts) in &readable {
            self.report_unread(item);
            for (_, part) in parts {
                self.report_unread(part);
            }
        }
        if origin.is_main() {
            for (item, _) in &readable {
                let key = (R::KIND, item.scope.clone());
                self.seen
                    .entry(key)
                    .or_default()
                    .insert(short(&item.external_id));
            }
            if let Some((item, _)) = readable.last() {
                self.probes.insert(R::KIND, item.external_id.clone());
            }
        }
        (readable, unreadable)
    }

    /// Says that a member could not be read: of many items that have it, the first is named.
    fn report_unread<R: Resource>(&mut self, item: &SourceRecord<R>) {
        for Unread { member, reason } in &item.unread {
            if self.unread.insert((R::KIND, member.clone())) {
                self.issue(format!(
                    "{} {}: `{member}` {reason} and is unknown; others like it are only counted",
                    R::KIND,
                    item.external_id
                ));
            } else {
                self.report.issue_count += 1;
            }
        }
    }

    /// Counts items that arrive for the first time; gives how many had arrived before.
    fn count_once<R: Resource>(&mut self, items: &[WithParts<R>]) -> u64 {
        let ids: HashSet<u64> = items
            .iter()
            .map(|(item, _)| short(&item.external_id))
            .collect();
        let arrived = self.arrived.entry(R::KIND).or_default();
        let before = arrived.len();
        let in_page = ids.len();
        arrived.extend(ids);
        let new = arrived.len() - before;
        self.counts::<R>().seen += new as u64;
        (in_page - new) as u64
    }

    async fn take<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: Vec<WithParts<R>>,
    ) -> Result<()> {
        let mut rest = items;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(MAX_ROWS));
            let chunk = std::mem::replace(&mut rest, later);
            let again = if origin.is_main() {
                self.count_once(&chunk)
            } else {
                0
            };
            let statements = chunk
                .into_iter()
                .flat_map(|(item, parts)| std::iter::once((origin, item)).chain(parts));
            self.write::<R>(Step::Apply(statements.collect())).await?;
            // What was read again is unchanged, or has changed since: either way it is counted already.
            let counts = self.counts::<R>();
            counts.unchanged = counts.unchanged.saturating_sub(again);
        }
        Ok(())
    }
}
