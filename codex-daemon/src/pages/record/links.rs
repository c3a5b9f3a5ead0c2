//! Forms that link other records to a record, and unlink them.

use codex_core::Error;

use super::PageRecord;
use crate::{
    http::problem::Problem,
    pages::{
        csrf,
        form::{SentForm, version},
        table::Choice,
    },
};

/// The most records of a pick list.
pub(in crate::pages) const MOST_CHOICES: u32 = 200;

/// What can be linked and unlinked.
#[derive(Debug)]
pub(in crate::pages) struct LinkForms {
    /// A record that is linked, in words.
    pub noun: &'static str,
    /// What names a record that is not in the pick list.
    pub by: &'static str,
    /// Records that can be linked: what names each, and its name.
    pub choices: Vec<(String, String)>,
    /// Records that are linked.
    pub linked: Vec<(String, String)>,
}

/// A link that is added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) enum LinkChange {
    /// To the record that this names.
    Add(String),
    /// From the record that this names.
    Remove(String),
}

impl LinkChange {
    /// Reads what a form sent.
    ///
    /// # Errors
    /// 400 that says what is missing.
    pub fn read(sent: &SentForm) -> Result<Self, Problem> {
        let named = |name: &str| {
            let text = sent.text(name).trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        // What was typed is meant rather than what stood in the pick list.
        let change = named("remove").map(Self::Remove);
        let change = change.or_else(|| named("add").or_else(|| named("pick")).map(Self::Add));
        change.ok_or_else(|| {
            let message = "is missing: choose a record, or name one";
            Problem::from(Error::invalid("add", message))
        })
    }
}

/// The forms as the page shows them.
#[derive(Debug)]
pub(super) struct LinkFormsView {
    pub noun: &'static str,
    pub by: &'static str,
    pub action: String,
    pub csrf_field: &'static str,
    pub csrf: String,
    pub version: String,
    pub choices: Vec<Choice>,
    pub linked: Vec<Choice>,
}

impl LinkFormsView {
    /// For a record as it is.
    pub fn new(forms: LinkForms, action: String, record: &PageRecord, token: String) -> Self {
        let choice = |(value, label)| Choice {
            value,
            label,
            selected: false,
        };
        Self {
            noun: forms.noun,
            by: forms.by,
            action,
            csrf_field: csrf::FIELD,
            csrf: token,
            version: version(record.updated_at),
            choices: forms.choices.into_iter().map(choice).collect(),
            linked: forms.linked.into_iter().map(choice).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(members: &[(&str, &str)]) -> Result<LinkChange, Problem> {
        let members = members.iter();
        let owned = members.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        LinkChange::read(&owned.collect::<Vec<_>>().into())
    }

    #[test]
    fn typed_name_counts_before_the_picked_one() {
        let add = |name: &str| LinkChange::Add(name.to_owned());
        assert_eq!(read(&[("pick", "7"), ("add", " ")]).unwrap(), add("7"));
        assert_eq!(read(&[("pick", "7"), ("add", "8 ")]).unwrap(), add("8"));
        let removed = LinkChange::Remove("9".to_owned());
        assert_eq!(read(&[("remove", "9")]).unwrap(), removed);
        assert!(read(&[("pick", "")]).is_err());
    }
}
