//! The log: one line of JSON per event on the console, in the format of all hosts (`log-format`) but without a time. Workers
//! Logs parses the lines and adds the time.

use std::io;

use log_format::{JsonLine, json_layer};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt as _};

/// The target of the gateway's access log. It is not logged here: the runtime logs every request itself, and another line
/// would cost more than the rest of a small request.
const ACCESS: &str = "access";

/// Prints a line with the method of the console for this level.
type Print = fn(Level, &str);

/// Starts to log events of level INFO and above, except the access log.
pub(crate) fn start() {
    // After a second call in the same isolate, the log of the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber(print));
}

fn print(level: Level, line: &str) {
    match level {
        Level::ERROR => worker::console_error!("{line}"),
        Level::WARN => worker::console_warn!("{line}"),
        _ => worker::console_log!("{line}"),
    }
}

fn subscriber(print: Print) -> impl Subscriber + Send + Sync {
    let logged = filter_fn(|metadata| *metadata.level() <= Level::INFO && metadata.target() != ACCESS);
    tracing_subscriber::registry()
        .with(json_layer(JsonLine::without_time(), Console { print }))
        .with(logged.with_max_level_hint(LevelFilter::INFO))
}

/// Makes a writer for each event.
struct Console {
    print: Print,
}

impl Console {
    fn line(&self, level: Level) -> Line {
        Line { level, print: self.print }
    }
}

impl MakeWriter<'_> for Console {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        self.line(Level::INFO)
    }

    fn make_writer_for(&self, metadata: &Metadata<'_>) -> Line {
        self.line(*metadata.level())
    }
}

/// Prints each write as one line; an event is one write.
struct Line {
    level: Level,
    print: Print,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.print)(self.level, String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, error::Error};

    use serde_json::{Value, json};
    use tracing::{Instrument as _, field::Empty};
    use tracing_subscriber::{Registry, registry::LookupSpan as _};

    use super::*;

    thread_local! {
        static LINES: RefCell<Vec<(Level, Value)>> = const { RefCell::new(Vec::new()) };
    }

    /// The lines that `events` logs, and the level that each is printed with.
    fn printed(events: impl FnOnce()) -> Vec<(Level, Value)> {
        let keep = |level, line: &str| {
            let line = serde_json::from_str(line).expect("a line is JSON");
            LINES.with_borrow_mut(|lines| lines.push((level, line)));
        };
        tracing::subscriber::with_default(subscriber(keep), events);
        LINES.take()
    }

    /// The lines that `events` logs.
    fn lines(events: impl FnOnce()) -> Vec<Value> {
        printed(events).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_line_is_printed_with_the_level_of_its_event_and_the_access_log_is_not_printed() {
        let levels: Vec<_> = printed(|| {
            tracing::error!("a");
            tracing::warn!("b");
            tracing::info!("c");
            tracing::info!(target: ACCESS, "d");
        })
        .into_iter()
        .map(|(level, line)| (level, line["message"].clone()))
        .collect();
        assert_eq!(
            levels,
            [(Level::ERROR, json!("a")), (Level::WARN, json!("b")), (Level::INFO, json!("c"))]
        );
    }

    #[test]
    fn a_line_has_the_event_and_the_recorded_fields_of_its_span() {
        let lines = lines(|| {
            let span = tracing::info_span!("request", id = 7, caller = Empty).entered();
            span.record("caller", "ali\"ce");
            tracing::info!(status = 200_u16, is_new = true, "answered {}", 1);
            tracing::debug!("not logged");
            drop(span);
            tracing::warn!("alone");
        });
        let (target, span) = (module_path!(), json!({"name": "request", "id": 7, "caller": "ali\"ce"}));
        assert_eq!(
            lines,
            [
                json!({
                    "level": "INFO", "message": "answered 1", "status": 200, "is_new": true, "target": target,
                    "span": span,
                }),
                json!({"level": "WARN", "message": "alone", "target": target}),
            ]
        );
    }

    #[test]
    fn interleaved_requests_keep_their_own_spans() {
        use futures_util::{FutureExt as _, future::join};
        let request = |id: u64| {
            let turns = async move {
                futures_util::future::ready(()).await;
                tracing::info!("{id}");
            };
            turns.instrument(tracing::info_span!("request", id))
        };
        let lines = lines(|| join(request(1), request(2)).map(drop).now_or_never().unwrap());
        let logged: Vec<_> = lines.iter().map(|line| (&line["message"], &line["span"]["id"])).collect();
        assert_eq!(logged, [(&json!("1"), &json!(1)), (&json!("2"), &json!(2))]);
    }

    #[test]
    fn a_closed_span_is_removed() {
        let dispatch = tracing::Dispatch::new(subscriber(|_, _| {}));
        let id = tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("request");
            let id = span.id().expect("it is logged");
            drop(span.clone());
            drop(span.entered());
            id
        });
        let registry = dispatch.downcast_ref::<Registry>().expect("it keeps the spans");
        assert!(registry.span_data(&id).is_none());
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        let error = identity::KeysUnavailable::Fetch(Box::new(io::Error::other("no route")));
        let lines = lines(|| tracing::error!(error = &error as &dyn Error, "failed"));
        assert_eq!(lines[0]["error"], format!("{error}: no route"));
    }
}
