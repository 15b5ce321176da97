//! What the process logs, kept for tests that look at it.

use std::fmt::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static START: Once = Once::new();

/// Keeps every event of the process from now on, down to the finest.
///
/// It is the process's own, because databases log on threads of theirs.
pub fn keep() {
    START.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
}

/// Every event so far, one line each: its target, and each field by name.
pub fn kept() -> Vec<String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The text of every statement so far.
pub fn statements() -> Vec<String> {
    let whole = |line: &String| {
        let fields = line.strip_prefix("sqlx::query ")?;
        let (summary, rest) = fields.split_once("\u{1}db.statement=")?;
        let statement = rest.split('\u{1}').next()?.trim();
        let summary = summary.strip_prefix("\u{1}summary=").unwrap_or(summary);
        Some(if statement.is_empty() { summary } else { statement }.trim().to_owned())
    };
    kept().iter().filter_map(whole).collect()
}

struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The parser of HTML logs what it parses, and is silenced by the server's own filter.
        !metadata.target().starts_with("html5ever")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().target()));
        event.record(&mut line);
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "\u{1}{}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // How long something took has digits enough to look like any code.
        if field.name().starts_with("elapsed") || field.name() == "ms" {
            return;
        }
        let _ = write!(self.0, "\u{1}{}={value:?}", field.name());
    }
}
