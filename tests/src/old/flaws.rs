//! The flaws of the former service's databases.

/// Declares the flaws: variant and word.
macro_rules! flaws {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// A flaw that rows of the former service have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OldFlaw {
            $($(#[$doc])* $name,)+
        }

        impl OldFlaw {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$name),+];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

flaws! {
    /// Companies without a number, and two with one number.
    Numbers = "numbers";
    /// Records without an id at their source, and two with one id.
    SourceIds = "source-ids";
    /// Plans that were edited in the interface and never billed.
    EditedPlans = "edited-plans";
    /// Lists in other spellings than JSON, and texts that are no lists.
    Lists = "lists";
    /// Days with a slip in the year.
    Days = "days";
    /// Texts where a number belongs. SQLite takes them in any column.
    NumberTexts = "number-texts";
    /// Names with the word None for a missing part.
    NamesOfNone = "names-of-none";
    /// Rows that name a company, a contact or a plan that does not exist.
    Dangling = "dangling";
    /// Contacts linked with companies that are none of their departments.
    LocalLinks = "local-links";
    /// Devices of a company that share a host name.
    HostNames = "host-names";
    /// Devices whose links hold no id.
    NoLinks = "no-links";
    /// Times of the server's clock without an offset.
    LocalTimes = "local-times";
    /// Local times that a clock shows twice or never.
    ClockChanges = "clock-changes";
    /// Conversations in JSON text that cannot be read.
    Conversations = "conversations";
    /// Statuses and priorities that nobody knows, and tickets marked as deleted.
    Statuses = "statuses";
    /// Nothing where a value is expected: status, priority, hours, prices, e-mail addresses.
    Nulls = "nulls";
    /// Rows that say what others say: overrides, plans, options, agents, tickets, sites.
    Repeated = "repeated";
    /// Preferences that do not exist.
    Preferences = "preferences";
    /// Jobs that never ended or whose start is no time.
    Jobs = "jobs";
    /// Texts that are longer than their column, as SQLite takes them.
    LongTexts = "long-texts";
    /// Hours that are no whole minutes.
    Hours = "hours";
    /// An included backup volume of nothing, which was billed as one terabyte.
    IncludedBackup = "included-backup";
}
