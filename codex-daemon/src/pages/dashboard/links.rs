//! Links from a number to the list that it counts.

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use codex_core::{address::segment, list::listed};

use crate::http::forwarded::Forwarded;

/// Writes links for the browser of a visit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links<'a> {
    at: &'a Forwarded,
    /// Words of the statuses of open tickets.
    open: &'a [String],
    pub now: DateTime<Utc>,
}

impl<'a> Links<'a> {
    pub fn new(at: &'a Forwarded, open: &'a [String], now: DateTime<Utc>) -> Self {
        Self { at, open, now }
    }

    /// One of our paths.
    pub fn path(&self, path: &str) -> String {
        self.at.link(path)
    }

    /// A list with parameters.
    pub fn list(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        let (path, query) = (self.at.link(path), query.finish());
        if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    }

    /// A list of what has a value in a column, or has none.
    pub fn having(&self, path: &str, column: &str, value: Option<&str>) -> String {
        match value {
            Some(value) => self.list(path, &[(column, value)]),
            None => self.list(path, &[(format!("{column}__isnull").as_str(), "true")]),
        }
    }

    /// Open tickets that fit further parameters.
    pub fn open_tickets(&self, more: &[(&str, &str)]) -> String {
        let open = listed(self.open);
        let statuses = [("status__in", open.as_str())];
        let statuses = if self.open.is_empty() {
            &[][..]
        } else {
            &statuses[..]
        };
        self.list("/tickets/", &[statuses, more].concat())
    }

    /// Open tickets with a value in a column, or with none.
    pub fn open_having(&self, column: &str, value: Option<&str>) -> String {
        match value {
            Some(value) => self.open_tickets(&[(column, value)]),
            None => self.open_tickets(&[(format!("{column}__isnull").as_str(), "true")]),
        }
    }

    /// Open tickets whose resolution is overdue, with further parameters.
    pub fn overdue(&self, more: &[(&str, &str)]) -> String {
        let now = self.now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let due = [("due_by__lt", now.as_str())];
        self.open_tickets(&[&due[..], more].concat())
    }

    /// Tickets of which a moment is in a week.
    pub fn week(&self, column: &str, monday: &str) -> String {
        let next = monday.parse::<NaiveDate>().ok();
        let next = next.and_then(|day| day.checked_add_days(Days::new(7)));
        let next = next.map(|day| day.to_string()).unwrap_or_default();
        let (from, before) = (format!("{column}__gte"), format!("{column}__lt"));
        self.list(
            "/tickets/",
            &[(from.as_str(), monday), (before.as_str(), next.as_str())],
        )
    }

    /// Companies whose contract ends from a day on and before another.
    pub fn contracts(&self, from: &str, before: &str) -> String {
        let parameters = [
            ("contract_end_date__gte", from),
            ("contract_end_date__lt", before),
            ("sort", "contract_end_date"),
        ];
        self.list("/companies/", &parameters)
    }

    /// Devices that are offline and were seen today.
    pub fn went_offline(&self) -> String {
        let today = self.now.date_naive().to_string();
        let parameters = [
            ("online", "false"),
            ("last_seen__gte", today.as_str()),
            ("sort", "-last_seen"),
        ];
        self.list("/assets/", &parameters)
    }

    /// A company's page.
    pub fn company(&self, number: &str) -> String {
        self.at.link(&format!("/companies/{}", segment(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_what_is_counted() {
        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let open = ["open".to_owned(), "on,hold".to_owned()];
        let links = Links::new(&at, &open, "2026-01-07T10:00:00Z".parse().unwrap());
        let wanted = "/tickets/?status__in=open%2C%22on%2Chold%22&priority__isnull=true";
        assert_eq!(links.open_having("priority", None), wanted);
        let wanted = "/tickets/?closed_at__gte=2026-01-05&closed_at__lt=2026-01-12";
        assert_eq!(links.week("closed_at", "2026-01-05"), wanted);
        assert!(
            links
                .overdue(&[])
                .ends_with("&due_by__lt=2026-01-07T10%3A00%3A00Z")
        );
        assert!(links.went_offline().contains("last_seen__gte=2026-01-07"));
        let none = Links::new(&at, &[], links.now);
        assert_eq!(none.open_tickets(&[]), "/tickets/");
        assert_eq!(none.company("a/b"), "/companies/a%2Fb");
    }
}
