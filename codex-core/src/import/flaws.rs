//! The known flaws of databases of the Flask service.

use serde::{Deserialize, Serialize};

/// What a flaw means for whoever imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is repaired, and nothing is lost.
    Repaired,
    /// Something is lost, left out or changed: a person accepts that by the flaw's code before the import.
    Warning,
}

/// Declares the flaws: variant, code, weight, and what is done about it.
macro_rules! flaws {
    ($($(#[$doc:meta])* $name:ident = ($code:literal, $weight:ident, $what:literal);)+) => {
        /// A flaw of a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Flaw {
            $($(#[$doc])* $name,)+
        }

        impl Flaw {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its code, by which it is reported and accepted.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means for whoever imports.
            pub fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)+ }
            }

            /// What is wrong, and what the import does about it.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)+ }
            }
        }
    };
}

flaws! {
    /// A row without its key.
    KeyMissing = ("key_missing", Warning, "a row has no key; it is left out, a company is imported without a number");
    /// A number of a company that differs from another one in blanks only.
    NumberRepeated = ("account_number_repeated", Warning,
        "two companies have one account number; the first keeps it, the other has none");
    /// A name that is empty.
    NameMissing = ("name_missing", Repaired, "a record has no name; its key becomes the name");
    /// A name made of missing parts.
    NameOfNone = ("name_none", Repaired,
        "a name has the word None for a missing part; it is put together again from first and last name");
    /// A record that the PSA does not know by an id.
    IdMissing = ("source_id_missing", Repaired,
        "a record has no id of its source; the first sync matches it by number, e-mail address or host name");
    /// An id at the source that another row has.
    IdRepeated = ("source_id_repeated", Warning,
        "two rows have one id at the source; the first keeps it, the other is matched by number or name");
    /// A ticket that is there twice.
    TicketRepeated = ("ticket_repeated", Warning, "two rows are one ticket; they are merged, the later one wins");
    /// A plan in the interface that differs from the one that was billed.
    PlanEdited = ("billing_plan_edited", Warning,
        "the plan shown to people differs from the selected one, which was billed; the billed one is imported, \
         the other is kept with the import's claim");
    /// A list that is no JSON.
    ListUnreadable = ("list_unreadable", Warning, "a list could not be read; its text is kept with the import's claim");
    /// A list in PostgreSQL's or another spelling.
    ListSpelled = ("list_respelled", Repaired, "a list is not JSON; it is read from the spelling that it has");
    /// A text in place of a number.
    NumberUnreadable = ("number_unreadable", Warning, "a number could not be read; the field stays empty");
    /// A text in place of a time.
    TimeUnreadable = ("time_unreadable", Warning, "a time could not be read or is not in 1970 to 2200; the field stays empty");
    /// A time without offset in a column of times in UTC.
    TimeWithoutOffset = ("time_without_offset", Repaired, "a time has no offset; it is read as UTC");
    /// A time of the server's clock.
    TimeLocal = ("time_local", Repaired, "a time of the old server's clock; it is read in --old-time-zone");
    /// A time of the server's clock without a zone to read it in.
    ZoneMissing = ("old_time_zone_missing", Warning,
        "a time of the old server's clock cannot be read without --old-time-zone");
    /// An hour that a clock shows twice, or never.
    TimeAmbiguous = ("time_ambiguous", Repaired,
        "a local time falls into a change of daylight saving time; the earlier moment is taken");
    /// A company that is not there.
    CompanyMissing = ("company_missing", Warning,
        "a row names a company that does not exist; assets and tickets are imported without one, others are left out");
    /// One end of a link that is not there.
    LinkOrphaned = ("link_orphaned", Warning, "a link has an end that does not exist; it is left out");
    /// A link that the source does not state.
    LinkLocal = ("link_local", Repaired,
        "a contact's company is not among its departments; it is imported as a manual link");
    /// A row that says what another one says.
    OverrideRepeated = ("override_repeated", Warning,
        "a company has two overrides for one key; they are merged, the later one wins");
    /// One site in two rows.
    SiteRepeated = ("site_link_repeated", Warning, "two rows link one site; they are merged, the later one wins");
    /// A host name that several devices of a company have.
    HostRepeated = ("hostname_repeated", Repaired,
        "several devices of a company have one host name; the first sync cannot match them by it");
    /// A device whose links name no id.
    DeviceUnidentified = ("device_unidentified", Repaired,
        "a device's links hold no id; the first sync matches it by company and host name");
    /// A backup size that is no number.
    BackupUnreadable = ("backup_unreadable", Warning, "a backup size could not be read; the field stays empty");
    /// Hours that are no whole minutes.
    HoursRounded = ("hours_rounded", Warning, "hours of a ticket are not whole minutes; they are rounded");
    /// A status that has no number.
    StatusUnknown = ("status_unknown", Warning,
        "a status is not known; the ticket has none until the first sync, its word is kept with the import's claim");
    /// A ticket that the Flask service took for deleted.
    MarkedDeleted = ("ticket_marked_deleted", Repaired,
        "the Flask service marks tickets as deleted that were closed; they are imported as closed");
    /// A priority that has no number.
    PriorityUnknown = ("priority_unknown", Warning, "a priority is not known; it is left out");
    /// Conversations that are no JSON.
    ConversationsUnreadable = ("conversations_unreadable", Warning,
        "conversations or notes of a ticket could not be read; they are left out");
    /// A price that is null.
    PriceMissing = ("price_missing", Repaired, "a price is null; it is 0, as the Flask service billed it");
    /// A price with more than four decimals.
    PriceRounded = ("price_rounded", Warning, "a price has more than four decimals; it is rounded");
    /// Included backup of nothing.
    IncludedBackup = ("included_backup_zero", Repaired,
        "no included backup is stored; it is 1 TB, as the Flask service billed it");
    /// A plan that is there twice.
    PlanRepeated = ("plan_repeated", Warning,
        "two plans differ in the spelling of their term only; the one with the usual spelling is imported");
    /// A feature that belongs to no plan.
    FeatureOrphaned = ("feature_orphaned", Warning, "a feature belongs to no plan; it is left out");
    /// An option that is there twice or says nothing.
    OptionRepeated = ("option_repeated", Repaired, "an option is there twice or empty; it is imported once");
    /// A label of a feature.
    LabelBuiltIn = ("label_built_in", Repaired, "labels of features are part of Codex; the row is not needed");
    /// An agent's address.
    AgentWithoutEmail = ("agent_email_missing", Repaired, "an agent has no e-mail address; it is imported without one");
    /// A preference of an agent.
    PreferenceUnknown = ("preference_unknown", Repaired, "a preference is not known; the default applies");
    /// A job that never ended.
    JobUnfinished = ("job_unfinished", Repaired, "a job never ended; it is imported as failed");
    /// A row that came while the import was interrupted.
    AddedSince = ("added_since", Warning,
        "a row refers to one that was added after its table was imported; import that table again with --redo");
}

impl Flaw {
    /// The flaw with a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flaw| flaw.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_have_codes_of_their_own() {
        let mut codes: Vec<&str> = Flaw::ALL.iter().map(|flaw| flaw.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Flaw::ALL.len());
        for flaw in Flaw::ALL {
            assert_eq!(Flaw::of_code(flaw.code()), Some(*flaw));
            assert!(flaw.what().len() > 20, "{}", flaw.code());
        }
        assert_eq!(Flaw::of_code("nothing"), None);
    }
}
