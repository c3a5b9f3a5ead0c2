//! The form of a ticket: another status, a private note.

use axum::http::StatusCode;
use codex_core::{
    Error,
    tickets::{Ticket, status::Statuses, wire::TicketUpdateIn},
};

use super::{path_of, status_label};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        form::{SentForm, version},
        table::Choice,
    },
};

const STATUS: &str = "status";
const NOTE: &str = "notes";

/// What was typed into the form, and why it was refused.
#[derive(Debug, Default)]
pub(super) struct Typed {
    status: String,
    note: String,
    status_fault: Option<String>,
    note_fault: Option<String>,
    problem: Option<String>,
}

/// The form.
#[derive(Debug)]
pub(super) struct FormView {
    pub action: String,
    pub csrf_field: &'static str,
    pub csrf: String,
    pub version: String,
    pub statuses: Vec<Choice>,
    pub note: String,
    pub status_fault: Option<String>,
    pub note_fault: Option<String>,
    pub problem: Option<String>,
    /// What becomes of what is sent.
    pub help: &'static str,
}

impl FormView {
    /// For a ticket as it is. `sends` says whether changes are written to the PSA.
    pub fn new(
        at: &Forwarded,
        ticket: &Ticket,
        statuses: &Statuses,
        sends: bool,
        typed: Typed,
        csrf: String,
    ) -> Self {
        let keep = match status_label(ticket, statuses).as_str() {
            "" => "leave unknown".to_owned(),
            label => format!("leave {label}"),
        };
        let choice = |value: &str, label: String| Choice {
            value: value.to_owned(),
            label,
            selected: value == typed.status,
        };
        let own = ticket.fields.status_id.map(|id| statuses.of(id).word);
        let others = statuses.all().into_iter();
        let others = others.filter(|status| Some(&status.word) != own.as_ref());
        let mut choices = vec![choice("", keep)];
        choices.extend(others.map(|status| choice(&status.word, status.label)));
        Self {
            action: at.link(&path_of(ticket.fields.number)),
            csrf_field: csrf::FIELD,
            csrf,
            version: version(ticket.updated_at),
            statuses: choices,
            note: typed.note,
            status_fault: typed.status_fault,
            note_fault: typed.note_fault,
            problem: typed.problem,
            help: if sends {
                "Both hold here at once and are written to the PSA within seconds. The conversation shows how far they are."
            } else {
                "Writing to the PSA is off: both are kept here alone, until the PSA's own next change of the status."
            },
        }
    }
}

/// What a form asks for; the default for one that asks for nothing.
pub(super) fn update(sent: &SentForm) -> TicketUpdateIn {
    let stated = |name: &str| {
        let text = sent.text(name);
        (!text.trim().is_empty()).then(|| text.to_owned())
    };
    TicketUpdateIn {
        status: stated(STATUS),
        notes: stated(NOTE),
        ..TicketUpdateIn::default()
    }
}

/// The status of the answer to a form that was refused, and the form to be shown again.
///
/// # Errors
/// The error itself, when the sender can do nothing about it.
pub(super) fn refuse(sent: &SentForm, error: Error) -> Result<(StatusCode, Typed), Problem> {
    let mut typed = Typed {
        status: sent.text(STATUS).to_owned(),
        note: sent.text(NOTE).to_owned(),
        ..Typed::default()
    };
    let status = match error {
        Error::Invalid { field, message } => {
            match &*field {
                STATUS => typed.status_fault = Some(message),
                NOTE => typed.note_fault = Some(message),
                _ => typed.problem = Some(format!("{field}: {message}")),
            }
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Error::Changed => {
            let problem = "Somebody changed this ticket while the form was open. Nothing was saved. Your input is \
                kept: look at what is new, then save again.";
            typed.problem = Some(problem.to_owned());
            StatusCode::PRECONDITION_FAILED
        }
        Error::Conflict { message } => {
            typed.problem = Some(message);
            StatusCode::CONFLICT
        }
        error => return Err(error.into()),
    };
    Ok((status, typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_forms_keep_what_was_typed() {
        let members = [("status", "closed"), ("notes", "Done")];
        let sent = SentForm::from(members);
        let (status, typed) = refuse(&sent, Error::Changed).unwrap();
        assert_eq!((status.as_u16(), typed.note.as_str()), (412, "Done"));
        let (status, typed) = refuse(&sent, Error::invalid("notes", "is too long")).unwrap();
        assert_eq!(
            (status.as_u16(), typed.note_fault.as_deref()),
            (422, Some("is too long"))
        );
        assert!(refuse(&sent, Error::Forbidden("x")).is_err());
        assert_eq!(update(&SentForm::default()), TicketUpdateIn::default());
    }
}
