//! Settings of syncs: when they run, what they may delete, which records they merge.

use crate::config::setting::{
    Kind::{Boolean, Text},
    PERCENT, number, seconds, section,
};

section! {
    /// `codexd serve` starts the syncs of the vendors that are configured. A schedule is hourly, daily, frequent
    /// (every five minutes) or a cron expression of five fields, such as 15 */2 * * 1-5. Of several processes on one
    /// database one starts a run. A run that was missed is caught up once.
    SCHEDULER = "scheduler" {
        /// Time zone of the schedules, such as Europe/Berlin.
        time_zone = "UTC", Text;
        /// A run starts up to this much later, so that not everybody asks a vendor at the same moment.
        jitter_seconds = "30", seconds(0, 3_600);
        /// Whether every sync also runs when the daemon starts.
        sync_run_on_startup = "false", Boolean, restart();
        /// Companies, contacts and agents.
        sync_psa_enabled = "true", Boolean, older(&["sync_freshservice_enabled"]);
        /// Daily is 02:00.
        sync_psa_schedule = "daily", Text, older(&["sync_freshservice_schedule"]);
        /// Sites and devices.
        sync_rmm_enabled = "true", Boolean, older(&["sync_datto_enabled"]);
        /// Daily is 03:00.
        sync_rmm_schedule = "daily", Text, older(&["sync_datto_schedule"]);
        /// Hardware and software of devices whose inventory at the RMM is new.
        sync_rmm_audits_enabled = "true", Boolean;
        /// Daily is 03:30.
        sync_rmm_audits_schedule = "hourly", Text;
        /// Tickets.
        sync_tickets_enabled = "true", Boolean;
        /// Daily is 04:00.
        sync_tickets_schedule = "frequent", Text;
    }
}

section! {
    SYNC = "sync" {
        /// More deletions than this share of a collection at once are held until a person approves them.
        max_delete_percent = "10", PERCENT;
        /// This many deletions are never held.
        min_delete = "5", number("a number of deletions", 0, 1_000_000);
        /// How long a run of another process may show no sign of life before it counts as dead.
        lease_seconds = "30", seconds(1, 3_600), restart();
        /// How long to wait for one answer of a vendor.
        requests_timeout = "30", seconds(1, 3_600);
    }
}

section! {
    /// How much must speak for two records being one. Of devices: the same serial number counts 50, the same company
    /// 30, the same MAC address 30 (10 if several machines may have it), the same host name 20, another serial number
    /// -40; an RMM uid alone counts 100. Of contacts: the same e-mail address 50, a company in common 30, the same
    /// name 20.
    MATCHING = "matching" {
        /// From this score on a sync merges two devices by itself, if they belong to one company or have one uid.
        merge_score = "80", number("a number of points", 1, 65_535);
        /// From this score on two records become a duplicate candidate, which a person merges or rejects. At most
        /// merge_score.
        candidate_score = "50", number("a number of points", 1, 1_000);
    }
}
