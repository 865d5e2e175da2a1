//! The fields of an event or a span as members of a JSON object.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Write},
};

use tracing::{
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, FormattedFields, format::Writer},
};

/// Formats fields as members of a JSON object, each after a comma.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonMembers;

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
