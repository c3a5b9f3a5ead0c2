//! A line on a terminal that shows that work goes on. Silent when standard error is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of one piece of work.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Starts without a percentage.
    pub(super) fn start(message: impl Into<String>) -> Self {
        // Draws on standard error, and only when that is a terminal.
        let bar = ProgressBar::new(100).with_message(message.into());
        bar.set_style(style("{spinner} {msg} [{elapsed}]"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Shows what is done now and how far it is.
    pub(super) fn show(&self, message: String, percent: Option<u8>) {
        self.0.set_message(message);
        if let Some(percent) = percent {
            self.0
                .set_style(style("{bar:30} {pos:>3} % {msg} [{elapsed}]"));
            self.0.set_position(percent.into());
        }
    }

    /// Removes the line.
    pub(super) fn end(self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
