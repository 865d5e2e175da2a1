//! The log: one line of JSON per event on the console. Workers Logs parses the lines and adds the time.

use std::{
    collections::HashMap,
    error::Error,
    fmt::Debug,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_core::span::Current;

/// The target of the gateway's access log. It is not logged here: the runtime logs every request itself, and another line
/// would cost more than the rest of a small request.
const ACCESS: &str = "access";

/// Starts to log events of level INFO and above, except the access log.
pub(crate) fn start() {
    // After a second call in the same isolate, the log of the first one stays.
    let _ = tracing::subscriber::set_global_default(Console::new(print));
}

fn print(level: Level, line: &str) {
    match level {
        Level::ERROR => worker::console_error!("{line}"),
        Level::WARN => worker::console_warn!("{line}"),
        _ => worker::console_log!("{line}"),
    }
}

/// Logs each event with the fields of the spans around it.
struct Console {
    print: fn(Level, &str),
    next_id: AtomicU64,
    spans: Mutex<Spans>,
}

#[derive(Default)]
struct Spans {
    open: HashMap<u64, Open>,
    /// The entered spans, the innermost last.
    entered: Vec<u64>,
}

struct Open {
    metadata: &'static Metadata<'static>,
    fields: Fields,
    handles: usize,
}

impl Console {
    fn new(print: fn(Level, &str)) -> Self {
        Self { print, next_id: AtomicU64::new(1), spans: Mutex::default() }
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target() != ACCESS
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.spans().open.insert(id, Open { metadata: span.metadata(), fields, handles: 1 });
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(open) = self.spans().open.get_mut(&span.into_u64()) {
            open.fields.0.extend(fields.0);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.extend(fields.members());
        let spans = self.spans();
        for span in spans.entered.iter().filter_map(|id| spans.open.get(id)) {
            line.insert(span.metadata.name().to_owned(), Map::from_iter(span.fields.members()).into());
        }
        drop(spans);
        (self.print)(*event.metadata().level(), &Value::from(line).to_string());
    }

    fn enter(&self, span: &Id) {
        self.spans().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut spans = self.spans();
        let innermost = spans.entered.iter().rposition(|id| *id == span.into_u64());
        innermost.map(|at| spans.entered.remove(at));
    }

    fn clone_span(&self, span: &Id) -> Id {
        if let Some(open) = self.spans().open.get_mut(&span.into_u64()) {
            open.handles += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let mut spans = self.spans();
        let Some(open) = spans.open.get_mut(&span.into_u64()) else { return false };
        open.handles -= 1;
        let closed = open.handles == 0;
        if closed {
            spans.open.remove(&span.into_u64());
        }
        closed
    }

    fn current_span(&self) -> Current {
        let spans = self.spans();
        let innermost = spans.entered.last().and_then(|id| Some((*id, spans.open.get(id)?)));
        innermost.map_or_else(Current::none, |(id, open)| Current::new(Id::from_u64(id), open.metadata))
    }
}

/// Fields and their values. They are few and rarely logged, because most requests log no line.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name(), value.into()));
    }

    /// The fields as members of a JSON object; of two with the same name, the later one counts.
    fn members(&self) -> impl Iterator<Item = (String, Value)> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    /// An error, with its causes after colons.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.put(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, io};

    use serde_json::json;
    use tracing::{Instrument as _, field::Empty};

    use super::*;

    thread_local! {
        static LINES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    }

    /// The lines that `events` logs.
    fn lines(events: impl FnOnce()) -> Vec<Value> {
        let keep = |_, line: &str| {
            let line = serde_json::from_str(line).expect("a line is JSON");
            LINES.with_borrow_mut(|lines| lines.push(line));
        };
        tracing::subscriber::with_default(Console::new(keep), events);
        LINES.take()
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
        let request = json!({"id": 7, "caller": "ali\"ce"});
        assert_eq!(
            lines,
            [
                json!({"level": "INFO", "message": "answered 1", "status": 200, "is_new": true, "request": request}),
                json!({"level": "WARN", "message": "alone"}),
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
        let logged: Vec<_> = lines.iter().map(|line| (&line["message"], &line["request"]["id"])).collect();
        assert_eq!(logged, [(&json!("1"), &json!(1)), (&json!("2"), &json!(2))]);
    }

    #[test]
    fn a_closed_span_is_removed() {
        let console = Console::new(|_, _| {});
        let dispatch = tracing::Dispatch::new(console);
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("request");
            drop(span.clone());
            drop(span.entered());
        });
        let console = dispatch.downcast_ref::<Console>().expect("it is ours");
        assert!(console.spans().open.is_empty() && console.spans().entered.is_empty());
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        let error = identity::KeysUnavailable::Fetch(Box::new(io::Error::other("no route")));
        let lines = lines(|| tracing::error!(error = &error as &dyn Error, "failed"));
        assert_eq!(lines[0]["error"], format!("{error}: no route"));
    }
}
