//! What came of a change: it was applied, or a dry run planned it.

use crate::{
    Result,
    bulk::{BulkOut, DryRunOut},
    records::ChangeOut,
};

/// What came of a change. Where an answer is `Option<Outcome<_>>`, `None` means that there is no such record.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a dry run has changed nothing"]
pub enum Outcome<T = ()> {
    /// It was made; the value says more about it.
    Applied(T),
    /// Its author only wanted to know what it would change ([`Author::dry_run`](crate::records::Author::dry_run)).
    Planned(PlannedChanges),
}

/// What a dry run would change.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedChanges {
    /// The changes in order.
    pub changes: Vec<ChangeOut>,
    /// Of a call with many rows: what would become of each.
    pub rows: Option<BulkOut>,
}

impl<T> Outcome<T> {
    /// Says something else about a change that was made.
    pub fn map<U>(self, say: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Applied(value) => Outcome::Applied(say(value)),
            Self::Planned(planned) => Outcome::Planned(planned),
        }
    }

    /// What is said about the change; `None` of a dry run.
    pub fn applied(self) -> Option<T> {
        match self {
            Self::Applied(value) => Some(value),
            Self::Planned(_) => None,
        }
    }

    /// Reads more about a change that was made.
    pub(crate) async fn then<U, F>(self, read: impl FnOnce(T) -> F) -> Result<Outcome<U>>
    where
        F: Future<Output = Result<U>>,
    {
        Ok(match self {
            Self::Applied(value) => Outcome::Applied(read(value).await?),
            Self::Planned(planned) => Outcome::Planned(planned),
        })
    }
}

impl<T> Outcome<Option<T>> {
    /// `None` when the record that was changed has been deleted meanwhile.
    pub(crate) fn transpose(self) -> Option<Outcome<T>> {
        match self {
            Self::Applied(value) => value.map(Outcome::Applied),
            Self::Planned(planned) => Some(Outcome::Planned(planned)),
        }
    }
}

impl From<PlannedChanges> for DryRunOut {
    fn from(planned: PlannedChanges) -> Self {
        Self {
            changes: planned.changes,
            dry_run: true,
            rows: planned.rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn planned_changes_are_never_read_as_applied() {
        let planned = PlannedChanges {
            changes: Vec::new(),
            rows: None,
        };
        let outcome = Outcome::<i64>::Planned(planned.clone());
        let outcome = outcome.map(|_| -> i64 { unreachable!() });
        let read = |_| async { Err::<Option<i64>, _>(crate::Error::Changed) };
        let outcome = outcome.then(read).await.unwrap();
        assert_eq!(outcome.clone().applied(), None);
        assert_eq!(outcome.transpose(), Some(Outcome::Planned(planned)));
    }

    #[tokio::test]
    async fn applied_value_passes_through() {
        let outcome = Outcome::Applied(1).map(|n| n + 1);
        let outcome = outcome.then(|n| async move { Ok((n > 1).then_some(n)) });
        assert_eq!(
            outcome.await.unwrap().transpose(),
            Some(Outcome::Applied(2))
        );
        assert_eq!(Outcome::<Option<i64>>::Applied(None).transpose(), None);
    }
}
