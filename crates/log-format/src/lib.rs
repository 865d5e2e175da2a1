//! Log lines, the same on every host: each event is one line of JSON, with the fields of the event, then those of its span.
//!
//! A host adds [`json_layer`] to its subscriber, and decides what is logged, where lines go, and whether they have a time.
//!
//! ```json
//! {"timestamp":"2026-05-01T12:00:00Z","level":"WARN","message":"…","target":"images","span":{"name":"request",…}}
//! ```
//!
//! [`JsonLine`] formats the line, `members` its fields. The fields of a span are kept as formatted JSON, and new fields are
//! appended: every request logs a line, so a line must cost little.

mod members;

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields as _, FormattedFields, MakeWriter, format::Writer,
        time::FormatTime,
    },
    registry::LookupSpan,
};

use self::members::JsonMembers;

/// A layer that passes each event as one line to `writer`, in one call. A line that cannot be written is lost: serving
/// requests is more important than their log.
pub fn json_layer<S, T, W>(line: JsonLine<T>, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    T: FormatTime + 'static,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    tracing_subscriber::fmt::layer()
        .fmt_fields(JsonMembers)
        .event_format(line)
        .with_writer(writer)
        // The error would be printed to standard error and could panic.
        .log_internal_errors(false)
}

/// Formats an event as a line. `T` formats the time of a line.
#[derive(Clone, Copy, Debug)]
pub struct JsonLine<T> {
    time: Option<T>,
}

impl JsonLine<()> {
    /// Lines without a time, for a host that adds it.
    #[must_use]
    pub const fn without_time() -> Self {
        Self { time: None }
    }
}

impl<T> JsonLine<T> {
    /// Lines that begin with the time of `time`.
    pub const fn with_time(time: T) -> Self {
        Self { time: Some(time) }
    }
}

impl<S, T> FormatEvent<S, JsonMembers> for JsonLine<T>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    T: FormatTime,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonMembers>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        line.write_char('{')?;
        if let Some(time) = &self.time {
            line.write_str("\"timestamp\":\"")?;
            time.format_time(&mut line)?;
            line.write_str("\",")?;
        }
        write!(line, "\"level\":\"{}\"", metadata.level())?;
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

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        io,
        sync::{Arc, Mutex},
    };

    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The texts that `events` writes, each by one call.
    fn written<T: FormatTime + Send + Sync + 'static>(
        line: JsonLine<T>,
        events: impl FnOnce(),
    ) -> Vec<String> {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::registry().with(json_layer(line, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, events);
        std::mem::take(&mut *log.0.lock().unwrap())
    }

    /// The lines that `events` logs.
    fn lines(events: impl FnOnce()) -> Vec<String> {
        let written = written(JsonLine::without_time(), events);
        written.iter().map(|line| line.strip_suffix('\n').unwrap().to_owned()).collect()
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Noon;

    impl FormatTime for Noon {
        fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
            out.write_str("2026-05-01T12:00:00Z")
        }
    }

    #[test]
    fn a_line_begins_with_the_time_if_the_host_has_one() {
        let rest = r#""level":"WARN","message":"late","target":"log_format::tests"}"#;
        let event = || tracing::warn!("late");
        assert_eq!(
            written(JsonLine::with_time(Noon), event),
            [format!("{{\"timestamp\":\"2026-05-01T12:00:00Z\",{rest}\n")]
        );
        assert_eq!(written(JsonLine::without_time(), event), [format!("{{{rest}\n")]);
    }

    #[test]
    fn an_event_outside_a_span_does_not_have_the_fields_of_the_last_one() {
        let lines = lines(|| {
            tracing::info_span!("request", id = 7).in_scope(|| tracing::info!("inside"));
            tracing::info!("outside");
        });
        assert!(lines[0].ends_with(r#""span":{"name":"request","id":7}}"#), "{}", lines[0]);
        assert!(lines[1].ends_with(r#""target":"log_format::tests"}"#), "{}", lines[1]);
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
                r#""text":"\u0022a\u0022","target":"log_format::tests","#,
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
