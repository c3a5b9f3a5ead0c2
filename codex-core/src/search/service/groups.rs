//! Search by kind: what the results page shows.

use super::Candidate;
use crate::{
    Result, Scope,
    codex::Codex,
    search::wire::{Matched, SearchGroup, SearchGroups},
};

impl Codex {
    /// Finds records of some kinds as [`Codex::search`] does, the first `shown` of each kind, with how many have the
    /// term in their name; and, beside, those that it identifies.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for an empty term, or a kind that is not searched.
    pub async fn search_groups(
        &self,
        scope: &Scope,
        text: &str,
        kinds: &[&str],
        shown: usize,
    ) -> Result<SearchGroups> {
        let (term, wanted) = super::asked(scope, text, kinds)?;
        let (candidates, more) = self.candidates(scope, &wanted, &term, text).await?;
        let is_staff = scope.companies().is_none();
        let mut of_kind = vec![0_usize; wanted.len()];
        // Of all that staff see, those that are shown; which of them a client sees is found out.
        let looked_at: Vec<&Candidate> = candidates
            .iter()
            .filter(|one| {
                of_kind[one.kind] += 1;
                !is_staff || of_kind[one.kind] <= shown || one.matched == Matched::Identifier
            })
            .collect();
        let found = self.found(scope, &wanted, &looked_at).await?;
        let mut groups: Vec<SearchGroup> = wanted
            .iter()
            .map(|def| SearchGroup {
                hits: Vec::new(),
                kind: def.kind,
                more,
                total: 0,
            })
            .collect();
        let mut exact = Vec::new();
        for one in &looked_at {
            let Some(row) = found.get(&(one.kind, one.id)) else {
                continue;
            };
            let (group, hit) = (
                &mut groups[one.kind],
                super::hit(wanted[one.kind], row, one.matched),
            );
            if one.matched == Matched::Identifier {
                exact.push(hit.clone());
            }
            if group.hits.len() < shown {
                group.hits.push(hit);
            }
            group.total += usize::from(!is_staff && one.named);
        }
        if is_staff {
            for one in candidates.iter().filter(|one| one.named) {
                groups[one.kind].total += 1;
            }
        }
        groups.retain(|group| !group.hits.is_empty());
        Ok(SearchGroups {
            exact,
            groups,
            query: term.text,
            words: term.words,
        })
    }
}
