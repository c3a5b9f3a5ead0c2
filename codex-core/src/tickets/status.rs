//! What the numbers of statuses and priorities mean (contract 3.8).
//!
//! A Freshservice account makes its own statuses: only 2 to 5 mean the same everywhere (vendors 1.5).
//! A number's word is what the configuration says, else what the account's own label reads like, else
//! `status_<number>`.

use std::collections::BTreeMap;

/// Statuses that mean the same in every account.
const FIXED: [(i64, &str); 4] = [(2, "open"), (3, "pending"), (4, "resolved"), (5, "closed")];

/// Words that today's modules know, with the label that they are shown by (contract 3.8).
const WORDS: [(&str, &str); 14] = [
    ("open", "Open"),
    ("pending", "Pending"),
    ("resolved", "Resolved"),
    ("closed", "Closed"),
    ("scheduled", "Scheduled"),
    ("waiting_customer", "Waiting on Customer"),
    ("waiting_third_party", "Waiting on Third Party"),
    ("under_investigation", "Under Investigation"),
    ("job_complete_bill", "Job Complete - Bill"),
    ("billing_complete", "Billing Complete - Close"),
    ("update_needed", "Update Needed"),
    ("on_hold", "On Hold"),
    ("customer_replied", "Customer Replied"),
    ("pending_hubspot", "Pending Hubspot"),
];

/// Words of tickets that nobody works on any more (contract 1.2.C).
const CLOSED: [&str; 7] = [
    "closed",
    "resolved",
    "job_complete_bill",
    "billing_complete",
    "spam",
    "trash",
    "deleted",
];

/// Words of today's modules that an account need not have a status for, and the words that mean nearly the same, the
/// nearest first.
const NEAREST: [(&str, &[&str]); 11] = [
    (
        "in_progress",
        &["work_in_progress", "under_investigation", "open"],
    ),
    ("under_investigation", &["in_progress", "open"]),
    ("customer_replied", &["open"]),
    ("update_needed", &["open"]),
    ("scheduled", &["on_hold", "pending"]),
    ("on_hold", &["pending"]),
    ("waiting_customer", &["pending"]),
    ("waiting_third_party", &["pending"]),
    ("pending_hubspot", &["pending"]),
    ("job_complete_bill", &["resolved"]),
    ("billing_complete", &["closed"]),
];

/// Priorities by number.
const PRIORITIES: [(i64, &str, &str); 4] = [
    (1, "low", "Low"),
    (2, "medium", "Medium"),
    (3, "high", "High"),
    (4, "urgent", "Urgent"),
];

/// The word and the label of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Lower case, with underscores.
    pub word: String,
    /// For people.
    pub label: String,
}

impl Status {
    /// Whether nobody works on such a ticket any more.
    pub fn is_closed(&self) -> bool {
        CLOSED.contains(&self.word.as_str())
    }
}

/// The statuses of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statuses {
    /// Words by number, from the configuration.
    words: BTreeMap<i64, String>,
    /// Labels by number, from the account.
    labels: BTreeMap<i64, String>,
}

impl Statuses {
    /// Statuses with the words that the configuration gives to numbers.
    pub fn new(words: BTreeMap<i64, String>) -> Self {
        Self {
            words,
            labels: BTreeMap::new(),
        }
    }

    /// The same with the account's own labels.
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = (i64, String)>) -> Self {
        self.labels.extend(labels);
        self
    }

    /// What a number means.
    pub fn of(&self, id: i64) -> Status {
        let fixed = FIXED.iter().find(|(known, _)| *known == id);
        let label = self.labels.get(&id);
        let word = match (self.words.get(&id), fixed, label) {
            (Some(word), ..) => word.clone(),
            (None, Some((_, word)), _) => (*word).to_owned(),
            (None, None, Some(label)) => word_of(label),
            (None, None, None) => format!("status_{id}"),
        };
        let known = WORDS.iter().find(|(known, _)| *known == word);
        let label = match (label, known) {
            (Some(label), _) => label.clone(),
            (None, Some((_, label))) => (*label).to_owned(),
            (None, None) => title(&word),
        };
        Status { word, label }
    }

    /// The numbers that a word or a label stands for; none when nothing is called so.
    pub fn ids(&self, name: &str) -> Vec<i64> {
        let wanted = word_of(name);
        let numbered = wanted
            .strip_prefix("status_")
            .and_then(|id| id.parse().ok());
        let mut ids: Vec<i64> = self
            .known()
            .filter(|id| {
                let status = self.of(*id);
                status.word == wanted || word_of(&status.label) == wanted
            })
            .collect();
        ids.extend(numbered.filter(|id: &i64| self.of(*id).word == wanted && !ids.contains(id)));
        ids
    }

    /// The words of all statuses that are known.
    pub fn words(&self) -> Vec<String> {
        self.known().map(|id| self.of(id).word).collect()
    }

    /// All statuses that are known, each once, by their numbers.
    pub fn all(&self) -> Vec<Status> {
        let mut all: Vec<Status> = Vec::new();
        for status in self.known().map(|id| self.of(id)) {
            if !all.iter().any(|other| other.word == status.word) {
                all.push(status);
            }
        }
        all
    }

    /// The number to set for a word or a label: its own, else that of the status that comes nearest to a word of
    /// today's modules.
    pub fn to_set(&self, name: &str) -> Option<i64> {
        let own = self.ids(name).first().copied();
        own.or_else(|| {
            let wanted = word_of(name);
            let (_, near) = NEAREST.iter().find(|(word, _)| *word == wanted)?;
            near.iter().find_map(|word| self.ids(word).first().copied())
        })
    }

    /// The numbers of statuses in which nobody works on a ticket any more.
    pub fn closed(&self) -> Vec<i64> {
        self.known().filter(|id| self.of(*id).is_closed()).collect()
    }

    /// The numbers of the other statuses that are known.
    pub fn open(&self) -> Vec<i64> {
        let open = self.known().filter(|id| !self.of(*id).is_closed());
        open.collect()
    }

    fn known(&self) -> impl Iterator<Item = i64> {
        let fixed = FIXED.iter().map(|(id, _)| *id);
        let all = fixed.chain(self.words.keys().copied());
        let all: std::collections::BTreeSet<i64> = all.chain(self.labels.keys().copied()).collect();
        all.into_iter()
    }
}

/// A label as a word: the one that modules know, else lower case with underscores.
fn word_of(label: &str) -> String {
    let plain = |text: &str| {
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_").to_lowercase()
    };
    let word = plain(label);
    let known = WORDS.iter().find(|(_, label)| plain(label) == word);
    known.map_or(word, |(known, _)| (*known).to_owned())
}

/// The label of a word: the one that modules know, else the word with blanks and capitals.
#[cfg(feature = "sync")]
pub(crate) fn label_of(word: &str) -> String {
    let known = WORDS.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| title(word), |(_, label)| (*label).to_owned())
}

/// Underscores to blanks, words with capitals.
fn title(word: &str) -> String {
    let words = word.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The word and the label of a priority; `None` for a number that has none.
pub fn priority(id: i64) -> Option<(&'static str, &'static str)> {
    let found = PRIORITIES.iter().find(|(known, ..)| *known == id);
    found.map(|(_, word, label)| (*word, *label))
}

/// The words of all priorities.
pub fn priority_words() -> Vec<String> {
    PRIORITIES.map(|(_, word, _)| word.to_owned()).to_vec()
}

/// The number of a priority's word or label.
pub fn priority_id(name: &str) -> Option<i64> {
    let found = PRIORITIES
        .iter()
        .find(|(_, word, _)| word.eq_ignore_ascii_case(name));
    found.map(|(id, ..)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Statuses {
        Statuses::new(BTreeMap::from([(23, "on_hold".into())])).with_labels([
            (2, "Open".to_owned()),
            (6, "Waiting on Customer".to_owned()),
            (7, "Closed by Robot".to_owned()),
            (15, "Job Complete - Bill".to_owned()),
            (23, "Parked".to_owned()),
        ])
    }

    /// Trap 8. They never mean spam or deleted.
    #[test]
    fn statuses_from_six_on_belong_to_the_account() {
        let bare = Statuses::default();
        assert_eq!(bare.of(6).word, "status_6");
        assert_eq!(bare.of(7).label, "Status 7");
        assert_eq!(account().of(6).word, "waiting_customer");
        assert_eq!(account().of(7).word, "closed_by_robot");
        assert!(!bare.of(7).is_closed());
    }

    #[test]
    fn configured_words_win_over_labels() {
        let parked = account().of(23);
        assert_eq!(
            (parked.word.as_str(), parked.label.as_str()),
            ("on_hold", "Parked")
        );
        assert_eq!(
            Statuses::new(BTreeMap::from([(9, "on_hold".into())]))
                .of(9)
                .label,
            "On Hold"
        );
    }

    #[test]
    fn all_statuses_are_listed_once() {
        let all = account().with_labels([(24, "Open".to_owned())]).all();
        let words: Vec<&str> = all.iter().map(|status| status.word.as_str()).collect();
        assert_eq!(words.iter().filter(|word| **word == "open").count(), 1);
        assert!(words.contains(&"on_hold") && words.contains(&"pending"));
    }

    #[test]
    fn statuses_are_found_by_word_or_label_in_any_case() {
        for name in [
            "waiting_customer",
            "Waiting on Customer",
            "WAITING-CUSTOMER",
        ] {
            assert_eq!(account().ids(name), [6], "{name}");
        }
        assert_eq!(account().ids("Parked"), [23]);
        assert_eq!(account().ids("closed"), [5]);
        assert_eq!(account().ids("status_99"), [99]);
        assert_eq!(account().ids("nonsense"), Vec::<i64>::new());
        assert_eq!(account().closed(), [4, 5, 15]);
    }

    #[test]
    fn legacy_words_map_to_the_nearest_status() {
        let near = |account: &Statuses, name| account.to_set(name).map(|id| account.of(id).word);
        let (bare, account) = (Statuses::default(), account());
        for (name, word) in [
            ("open", "open"),
            ("In-Progress", "open"),
            ("resolved", "resolved"),
            ("closed", "closed"),
            ("on_hold", "pending"),
            ("job_complete_bill", "resolved"),
        ] {
            assert_eq!(near(&bare, name).as_deref(), Some(word), "{name}");
        }
        assert_eq!(near(&account, "on_hold").as_deref(), Some("on_hold"));
        let working = account.with_labels([(12, "Work in progress".to_owned())]);
        assert_eq!(working.to_set("in_progress"), Some(12));
        let own = working.with_labels([(13, "In Progress".to_owned())]);
        assert_eq!(own.to_set("in_progress"), Some(13));
        assert_eq!(own.to_set("nonsense"), None);
    }

    #[test]
    fn priorities_have_words_and_labels() {
        assert_eq!(priority(4), Some(("urgent", "Urgent")));
        assert_eq!(priority(9), None);
        assert_eq!((priority_id("High"), priority_id("x")), (Some(3), None));
    }
}
