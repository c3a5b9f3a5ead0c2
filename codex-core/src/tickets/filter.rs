//! Which tickets a list is narrowed to.

use chrono::{DateTime, TimeZone as _, Utc};

use crate::{Error, Result, ids::CompanyId, scope::Scope, store::Q};

/// Which tickets of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Of this company.
    pub company: Option<CompanyId>,
    /// Of this PSA.
    pub source: Option<String>,
    /// With one of these statuses.
    pub statuses: Option<Vec<i64>>,
    /// With none of these statuses, and with one at all.
    pub not_statuses: Option<Vec<i64>>,
    /// With this priority.
    pub priority: Option<i64>,
    /// Of this group.
    pub group: Option<i64>,
    /// Of this agent.
    pub responder: Option<i64>,
    /// Last changed from this moment on.
    pub changed_from: Option<DateTime<Utc>>,
    /// Last changed before this moment.
    pub changed_before: Option<DateTime<Utc>>,
    /// Opened from this moment on.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before this moment.
    pub opened_before: Option<DateTime<Utc>>,
}

impl TicketFilter {
    /// Tickets last changed in a year (UTC), or in any.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a year that the calendar does not have.
    pub fn of_year(year: Option<i32>) -> Result<Self> {
        let start = |year: Option<i32>| year.map(beginning_of).transpose();
        Ok(Self {
            changed_from: start(year)?,
            changed_before: start(year.map(|year| year.saturating_add(1)))?,
            ..Self::default()
        })
    }
}

fn beginning_of(year: i32) -> Result<DateTime<Utc>> {
    let start = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    start.ok_or_else(|| Error::invalid("year", format!("there is no year {year}")))
}

/// Adds the conditions of a filter, and that the caller sees a ticket.
pub(super) fn restrict(q: &mut Q<'_>, scope: &Scope, filter: &TicketFilter) {
    if let Some(companies) = scope.within(filter.company) {
        q.push(" and t.company_id in ").push_list(companies);
    }
    if let Some(ids) = &filter.statuses {
        q.push(" and t.status_id in ")
            .push_list(ids.iter().copied());
    }
    if let Some(ids) = &filter.not_statuses {
        q.push(" and t.status_id is not null and t.status_id not in ")
            .push_list(ids.iter().copied());
    }
    if let Some(source) = &filter.source {
        q.push(" and t.external_source = ")
            .push_bind(source.as_str());
    }
    let equal = [
        (" and t.priority_id = ", filter.priority),
        (" and t.group_id = ", filter.group),
        (" and t.responder_id = ", filter.responder),
    ];
    for (text, id) in equal {
        if let Some(id) = id {
            q.push(text).push_bind(id);
        }
    }
    let times = [
        (" and t.newest_at >= ", filter.changed_from),
        (" and t.newest_at < ", filter.changed_before),
        (" and t.opened_at >= ", filter.opened_from),
        (" and t.opened_at < ", filter.opened_before),
    ];
    for (text, at) in times {
        if let Some(at) = at {
            q.push(text).push_bind(at);
        }
    }
}
