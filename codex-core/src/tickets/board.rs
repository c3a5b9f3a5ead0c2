//! Where an active ticket stands on the board, and how urgent it is (contract 1.2.C).

use chrono::{DateTime, TimeDelta, Utc};

use super::{TicketFields, status::Status};

/// A ticket's place and urgency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardPosition {
    /// 1 to be answered, 2 the customer replied, 3 overdue for an update, 4 waiting.
    pub section: u8,
    /// Urgency in words.
    pub text: String,
    /// Urgency as a class of the pages.
    pub class: &'static str,
}

/// Where a ticket stands at `now`; the first rule that fits holds.
pub fn place(ticket: &TicketFields, status: &Status, now: DateTime<Utc>) -> BoardPosition {
    let updated = friendly(ticket.changed_at(), now);
    let at = |section, text, class| BoardPosition {
        section,
        text,
        class,
    };
    match status.word.as_str() {
        "customer_replied" => {
            return at(2, format!("Customer Replied ({updated})"), "sla-warning");
        }
        "pending_hubspot" => return at(4, format!("Pending Hubspot ({updated})"), "sla-none"),
        _ => {}
    }
    if is_overdue(ticket, now) {
        let text = format!("Update Overdue ({}, {updated})", status.label);
        return at(3, text, "sla-critical");
    }
    match status.word.as_str() {
        "open" | "update_needed" | "pending" if ticket.first_responded_at.is_some() => {
            at(1, format!("{} (FR Met)", status.label), "sla-responded")
        }
        "open" | "update_needed" | "pending" => {
            let (text, class) = time_left(ticket, now);
            at(1, text, class)
        }
        "waiting_customer" => {
            let agent = ticket.agent_responded_at.map_or_else(String::new, |when| {
                format!(" (Agent: {})", friendly(Some(when), now))
            });
            at(4, format!("Waiting on Customer{agent}"), "sla-responded")
        }
        "on_hold" => at(4, format!("On Hold ({updated})"), "sla-none"),
        _ => at(
            4,
            format!("{} ({updated})", status.label),
            "sla-in-progress",
        ),
    }
}

/// Whether nobody touched it for longer than its priority allows.
fn is_overdue(ticket: &TicketFields, now: DateTime<Utc>) -> bool {
    let (Some(updated), Some(priority)) = (ticket.changed_at(), ticket.priority_id) else {
        return false;
    };
    let allowed = match priority {
        4 => TimeDelta::minutes(30),
        3 => TimeDelta::days(2),
        1 => TimeDelta::days(4),
        _ => TimeDelta::days(3),
    };
    now - updated > allowed
}

/// How long until the first answer is due, or a service request itself.
fn time_left(ticket: &TicketFields, now: DateTime<Utc>) -> (String, &'static str) {
    let service = ticket.ticket_type.as_deref() == Some("Service Request");
    let (due, word) = if service {
        (ticket.due_by, "Due")
    } else {
        (ticket.fr_due_by, "FR")
    };
    let Some(due) = due else {
        return (format!("No {word} Due Date"), "sla-none");
    };
    let left = due - now;
    if left < TimeDelta::zero() {
        return (format!("{word} Overdue by {}", span(-left)), "sla-overdue");
    }
    let class = if left < TimeDelta::hours(4) {
        "sla-critical"
    } else if left < TimeDelta::hours(12) {
        "sla-warning"
    } else {
        "sla-normal"
    };
    (format!("{} for {word}", span(left)), class)
}

/// A span in its largest unit, with one decimal from an hour on.
fn span(time: TimeDelta) -> String {
    let tenths = |unit: i64| {
        let tenths = (time.num_seconds() * 10 + unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    if time >= TimeDelta::days(2) {
        format!("{} days", tenths(86_400))
    } else if time >= TimeDelta::hours(1) {
        format!("{} hours", tenths(3_600))
    } else if time >= TimeDelta::minutes(1) {
        format!("{} min", time.num_minutes())
    } else {
        format!("{} sec", time.num_seconds())
    }
}

/// A moment as people say it: `3h ago`.
pub fn friendly(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(at) = at else {
        return "N/A".to_owned();
    };
    let ago = now - at;
    if ago < TimeDelta::zero() {
        "in the future".to_owned()
    } else if ago.num_days() > 0 {
        format!("{}d ago", ago.num_days())
    } else if ago.num_hours() > 0 {
        format!("{}h ago", ago.num_hours())
    } else if ago.num_minutes() > 0 {
        format!("{}m ago", ago.num_minutes())
    } else {
        "Just now".to_owned()
    }
}

/// How many calendar days ago (UTC) a ticket was opened, in words.
pub fn days_old(opened: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(opened) = opened else {
        return "N/A".to_owned();
    };
    match (now.date_naive() - opened.date_naive()).num_days() {
        0 => "Today".to_owned(),
        1 => "1 day old".to_owned(),
        days if days > 1 => format!("{days} days old"),
        _ => "Future Date".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn status(word: &str) -> Status {
        Status {
            word: word.into(),
            label: format!("<{word}>"),
        }
    }

    fn ticket(priority: Option<i64>, idle: TimeDelta) -> TicketFields {
        TicketFields {
            priority_id: priority,
            last_updated_at: Some(now() - idle),
            ..TicketFields::default()
        }
    }

    fn placed(ticket: &TicketFields, word: &str) -> (u8, String, &'static str) {
        let place = place(ticket, &status(word), now());
        (place.section, place.text, place.class)
    }

    #[test]
    fn first_matching_rule_decides() {
        let idle = TimeDelta::minutes(31);
        let urgent = ticket(Some(4), idle);
        let medium = ticket(Some(2), idle);
        let expected = (2, "Customer Replied (31m ago)".into(), "sla-warning");
        assert_eq!(placed(&urgent, "customer_replied"), expected);
        let expected = (3, "Update Overdue (<open>, 31m ago)".into(), "sla-critical");
        assert_eq!(placed(&urgent, "open"), expected);
        assert_eq!(
            placed(&medium, "open"),
            (1, "No FR Due Date".into(), "sla-none")
        );
        assert_eq!(
            placed(&medium, "on_hold"),
            (4, "On Hold (31m ago)".into(), "sla-none")
        );
        let expected = (4, "<scheduled> (31m ago)".into(), "sla-in-progress");
        assert_eq!(placed(&medium, "scheduled"), expected);
        let waiting = TicketFields {
            agent_responded_at: Some(now() - TimeDelta::hours(2)),
            ..medium.clone()
        };
        let expected = (
            4,
            "Waiting on Customer (Agent: 2h ago)".into(),
            "sla-responded",
        );
        assert_eq!(placed(&waiting, "waiting_customer"), expected);
        assert_eq!(
            placed(&TicketFields::default(), "open").0,
            1,
            "nothing known is not overdue"
        );
    }

    #[test]
    fn time_left_depends_on_type_and_urgency() {
        let left = |kind: &str, seconds: i64| {
            let due = Some(now() + TimeDelta::seconds(seconds));
            let ticket = TicketFields {
                ticket_type: Some(kind.into()),
                due_by: due,
                fr_due_by: due,
                ..TicketFields::default()
            };
            let (_, text, class) = placed(&ticket, "open");
            format!("{text} {class}")
        };
        assert_eq!(left("Incident", 30), "30 sec for FR sla-critical");
        assert_eq!(left("Incident", 5 * 3_600), "5.0 hours for FR sla-warning");
        assert_eq!(
            left("Service Request", 3 * 86_400),
            "3.0 days for Due sla-normal"
        );
        assert_eq!(
            left("Service Request", -90),
            "Due Overdue by 1 min sla-overdue"
        );
    }

    #[test]
    fn answered_ticket_meets_its_deadline() {
        let answered = TicketFields {
            first_responded_at: Some(now()),
            ..ticket(Some(2), TimeDelta::zero())
        };
        assert_eq!(placed(&answered, "open").1, "<open> (FR Met)");
    }

    #[test]
    fn ages_are_calendar_days() {
        let old = |days| days_old(Some(now() - TimeDelta::days(days)), now());
        assert_eq!(
            (old(0).as_str(), old(1).as_str(), old(9).as_str()),
            ("Today", "1 day old", "9 days old")
        );
        assert_eq!(old(-2), "Future Date");
        assert_eq!(days_old(None, now()), "N/A");
        assert_eq!(
            friendly(Some(now() + TimeDelta::minutes(1)), now()),
            "in the future"
        );
    }
}
