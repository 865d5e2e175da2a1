//! Path templates: the grammar of `google/api/http.proto`.
//!
//! ```text
//! Template  = "/" Segments [ ":" LITERAL ]
//! Segments  = Segment { "/" Segment }
//! Segment   = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
//! FieldPath = IDENT { "." IDENT }
//! ```
//! `**` may only be the last segment. Literals are written unescaped.

use std::{fmt, ops::Range};

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    verb: Option<String>,
}

/// What one segment of a path must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// This text.
    Literal(String),
    /// `*`: any one segment.
    One,
    /// `**`: the rest of the path, which may be nothing.
    Rest,
}

/// A field and the segments that it captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The dotted field path.
    pub field_path: String,
    /// The template's segments that are captured.
    pub segments: Range<usize>,
    /// Whether the capture can hold more than one path segment, and so keeps `%2F` encoded.
    pub is_multi_segment: bool,
}

/// Where a template breaks the grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} at character {position}")]
pub struct TemplateError {
    /// Counted from 1.
    pub position: usize,
    /// What should stand there.
    pub expected: &'static str,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Where and how it breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parser = Parser { text, at: 0, segments: Vec::new(), variables: Vec::new() };
        parser.expect('/', "a template starts with `/`")?;
        parser.segments(Place::Path)?;
        let verb = if parser.eat(':') {
            Some(parser.literal("a verb needs a name: a literal")?.to_owned())
        } else {
            None
        };
        if parser.rest().is_empty() {
            let Parser { segments, variables, .. } = parser;
            return Ok(Self { text: text.to_owned(), segments, variables, verb });
        }
        Err(parser.error("expected the end of the template"))
    }

    /// The segments, variables unfolded.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The variables, in the order of their segments.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The custom verb, without its colon.
    #[must_use]
    pub fn verb(&self) -> Option<&str> {
        self.verb.as_deref()
    }

    /// The template as the contract writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Variables cannot hold variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Variable,
}

struct Parser<'a> {
    text: &'a str,
    /// A byte position, always between characters.
    at: usize,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
}

impl<'a> Parser<'a> {
    fn segments(&mut self, place: Place) -> Result<(), TemplateError> {
        loop {
            self.segment(place)?;
            if !self.eat('/') {
                return Ok(());
            }
            if self.segments.last() == Some(&Segment::Rest) {
                self.at -= 1;
                return Err(self.error("`**` must be the last segment, so expected the end or a verb"));
            }
        }
    }

    fn segment(&mut self, place: Place) -> Result<(), TemplateError> {
        if self.rest().starts_with('{') {
            return if place == Place::Path {
                self.variable()
            } else {
                Err(self.error("a variable cannot hold another"))
            };
        }
        let segment = if self.eat('*') {
            if self.eat('*') { Segment::Rest } else { Segment::One }
        } else {
            Segment::Literal(self.literal("expected a segment: a literal, `*`, `**` or `{`")?.to_owned())
        };
        self.segments.push(segment);
        Ok(())
    }

    fn variable(&mut self) -> Result<(), TemplateError> {
        let opening = self.at;
        self.expect('{', "expected `{`")?;
        let field_path = self.field_path()?;
        let start = self.segments.len();
        if self.eat('=') {
            self.segments(Place::Variable)?;
        } else {
            self.segments.push(Segment::One);
        }
        self.expect('}', "expected `}`")?;
        if self.variables.iter().any(|variable| variable.field_path == field_path) {
            self.at = opening;
            return Err(self.error("a field can be bound once only"));
        }
        let segments = start..self.segments.len();
        let is_multi_segment = segments.len() > 1 || self.segments.last() == Some(&Segment::Rest);
        self.variables.push(Variable { field_path, segments, is_multi_segment });
        Ok(())
    }

    fn field_path(&mut self) -> Result<String, TemplateError> {
        let start = self.at;
        loop {
            let rest = self.rest();
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(self.error("expected a field's name"));
            }
            self.at += end;
            if !self.eat('.') {
                return Ok(self.text.get(start..self.at).unwrap_or_default().to_owned());
            }
        }
    }

    fn literal(&mut self, expected: &'static str) -> Result<&'a str, TemplateError> {
        let rest = self.rest();
        let is_delimiter = |c: char| "/{}*:%?#".contains(c) || c.is_whitespace() || c.is_control();
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let literal =
            rest.get(..end).filter(|literal| !literal.is_empty()).ok_or_else(|| self.error(expected))?;
        self.at += end;
        Ok(literal)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, expected: &'static str) -> Result<(), TemplateError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.error(expected)) }
    }

    fn error(&self, expected: &'static str) -> TemplateError {
        let before = self.text.get(..self.at).unwrap_or_default();
        TemplateError { position: before.chars().count() + 1, expected }
    }
}
