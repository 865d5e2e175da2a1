//! Logs each event as one line of JSON: the fields of the event, then those of the request's span.
//!
//! The fields of a span are kept as formatted JSON, and new fields are appended: every request logs a line, so a line must
//! cost little.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Write},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// Formats an event as a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLine;

impl<S: Subscriber + for<'span> LookupSpan<'span>> FormatEvent<S, JsonMembers> for JsonLine {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonMembers>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        write!(line, "\",\"level\":\"{}\"", metadata.level())?;
        context.format_fields(line.by_ref(), event)?;
        write!(line, ",\"target\":\"{}\"", metadata.target())?;
        if let Some(span) = context.lookup_current() {
            write!(line, ",\"span\":{{\"name\":\"{}\"", span.name())?;
            if let Some(recorded) = span.extensions().get::<FormattedFields<JsonMembers>>() {
                line.write_str(&recorded.fields)?;
            }
            line.write_char('}')?;
        }
        line.write_str("}\n")
    }
}

/// Formats fields as members of a JSON object, each after a comma.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonMembers;

impl<'writer> FormatFields<'writer> for JsonMembers {
    fn format_fields<R: RecordFields>(&self, out: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Members { out, result: Ok(()) };
        fields.record(&mut members);
        members.result
    }

    fn add_fields(&self, recorded: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        self.format_fields(recorded.as_writer(), fields)
    }
}

struct Members<'writer> {
    out: Writer<'writer>,
    result: fmt::Result,
}

impl Members<'_> {
    /// Writes a member whose `Display` output is valid JSON.
    fn plain(&mut self, field: &Field, value: impl Display) {
        self.result = self.result.and_then(|()| write!(self.out, ",\"{}\":{value}", field.name()));
    }

    /// Writes a member with a text value.
    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.result = self.result.and_then(|()| {
            write!(self.out, ",\"{}\":\"", field.name())?;
            Escaped(&mut self.out).write_fmt(value)?;
            self.out.write_char('"')
        });
    }
}

impl Visit for Members<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }
    /// An error, with its causes after colons.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, format_args!("{}", WithCauses(value)));
    }
}

struct WithCauses<'a>(&'a (dyn Error + 'static));

impl Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self.0, f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes text escaped for a JSON string (RFC 8259 section 7).
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let must_be_escaped = |c: char| c == '"' || c == '\\' || c < ' ';
        for part in text.split_inclusive(must_be_escaped) {
            match part.char_indices().next_back() {
                Some((end, last)) if must_be_escaped(last) => {
                    self.0.write_str(part.get(..end).unwrap_or_default())?;
                    write!(self.0, "\\u{:04x}", u32::from(last))?;
                }
                _ => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::field::Empty;

    use super::*;

    /// The lines that `events` logs.
    fn lines(events: impl FnOnce()) -> Vec<String> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = {
            let log = Arc::clone(&log);
            move || Log(Arc::clone(&log))
        };
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonMembers)
            .event_format(JsonLine)
            .with_writer(writer)
            .finish();
        tracing::subscriber::with_default(subscriber, events);
        let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        // Removes the timestamp.
        text.lines().map(|line| format!("{{{}", line.split_once("Z\",").unwrap().1)).collect()
    }

    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_event_and_the_recorded_fields_of_its_span() {
        let lines = lines(|| {
            let span = tracing::info_span!("request", id = 7, caller = Empty, route = Empty).entered();
            span.record("caller", "alice");
            tracing::info!(status = 200_u16, is_new = true, delta = -1, text = ?"a", "answered {}", 1);
        });
        assert_eq!(
            lines,
            [concat!(
                r#"{"level":"INFO","message":"answered 1","status":200,"is_new":true,"delta":-1,"#,
                r#""text":"\u0022a\u0022","target":"reticle::telemetry::json::tests","#,
                r#""span":{"name":"request","id":7,"caller":"alice"}}"#
            )]
        );
    }

    #[test]
    fn text_from_a_caller_is_escaped() {
        let hostile = "\"}\n{\"level\":\"ERROR\\ \u{0}\u{1f}é\u{2028}";
        let lines = lines(|| tracing::warn!(caller = hostile, "{hostile}"));
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0]
                .contains(r#""message":"\u0022}\u000a{\u0022level\u0022:\u0022ERROR\u005c \u0000\u001fé"#)
        );
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        let cause = io::Error::other("no space");
        let error = storage::Error::Full(Box::new(cause));
        let lines = lines(|| tracing::error!(error = &error as &dyn Error, "failed"));
        assert!(lines[0].contains(&format!("\"error\":\"{error}: no space\"")), "{}", lines[0]);
    }
}
