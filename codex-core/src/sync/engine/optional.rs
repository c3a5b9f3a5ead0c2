//! Lists that an account may lack, because of its plan or because of the rights of its key.

use std::sync::{Mutex, PoisonError};

use crate::sync::{Run, UpstreamError};

/// After this many refusals and no answer a list is not asked for again in a run.
const SURE: usize = 3;
/// The most refusals that are kept for the report.
const MAX_KEPT: usize = 1_000;

/// What a run has learned about a list that is asked for once per record.
///
/// One refusal (403 or 404) may be about one record. Refusals without a single answer are about the account:
/// they cost that list alone and one issue, not the run and not an issue per record.
#[derive(Debug)]
pub struct OptionalList {
    name: &'static str,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    answered: bool,
    /// The records whose list was refused, and what the vendor said.
    refused: Vec<(String, Refusal)>,
}

/// How a vendor refuses a list.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What it said, for people.
    pub text: String,
    /// 403 or 404.
    pub status: u16,
}

/// Whether the vendor refuses a list as such: another try in this run does no better.
pub fn is_refusal(error: &UpstreamError) -> bool {
    matches!(
        error,
        UpstreamError::Forbidden { .. } | UpstreamError::NotFound { .. }
    )
}

impl OptionalList {
    /// A list of which nothing is known yet; `name` is for issues.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the vendor answered for one record; `true` when that was a refusal, which
    /// [`OptionalList::report`] reports.
    pub fn note<T>(&self, record: &str, answer: &Result<T, UpstreamError>) -> bool {
        let mut seen = self.seen();
        match answer {
            Ok(_) => seen.answered = true,
            Err(error) if is_refusal(error) => {
                if seen.refused.len() < MAX_KEPT {
                    let refusal = Refusal {
                        text: error.to_string(),
                        status: error.status().unwrap_or_default(),
                    };
                    seen.refused.push((record.to_owned(), refusal));
                }
                return true;
            }
            Err(_) => {}
        }
        false
    }

    /// Why the account lacks the list, once that is certain enough to stop asking.
    pub fn lacking(&self) -> Option<Refusal> {
        let seen = self.seen();
        let certain = !seen.answered && seen.refused.len() >= SURE;
        certain.then(|| seen.refused[0].1.clone())
    }

    /// Reports the refusals of a run: one issue when the account lacks the list, else one per record.
    /// `effect` says what follows for the data.
    pub fn report(&self, run: &mut Run, effect: &str) {
        let Seen { answered, refused } = std::mem::take(&mut *self.seen());
        if answered {
            for (record, Refusal { text, .. }) in refused {
                run.issue(format!(
                    "{record}: its {} could not be read ({text})",
                    self.name
                ));
            }
        } else if let Some((_, Refusal { text, .. })) = refused.first() {
            run.issue(format!(
                "the account gives no {} ({text}): the plan or the key may lack them; {effect}",
                self.name
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden() -> Result<(), UpstreamError> {
        Err(UpstreamError::Forbidden {
            source_name: "vendor",
            resource: "extras".into(),
        })
    }

    #[test]
    fn list_is_unavailable_after_repeated_refusals() {
        let list = OptionalList::new("extras");
        for record in ["1", "2"] {
            assert!(list.note(record, &forbidden()));
            assert!(list.lacking().is_none());
        }
        list.note("3", &forbidden());
        assert_eq!(list.lacking().map(|refusal| refusal.status), Some(403));

        let list = OptionalList::new("extras");
        assert!(!list.note("0", &Ok::<_, UpstreamError>(())));
        for record in ["1", "2", "3"] {
            list.note(record, &forbidden());
        }
        assert!(list.lacking().is_none(), "the account has it");
    }

    #[test]
    fn server_errors_are_not_refusals() {
        let list = OptionalList::new("extras");
        let trouble = || {
            Err::<(), _>(UpstreamError::Status {
                source_name: "vendor",
                resource: "extras".into(),
                code: 503,
            })
        };
        for record in ["1", "2", "3", "4"] {
            assert!(!list.note(record, &trouble()));
        }
        assert!(list.lacking().is_none());
    }
}
