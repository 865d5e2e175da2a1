//! Path templates: the grammar of `google/api/http.proto`.
//!
//! ```text
//! Template  = "/" Segments [ ":" LITERAL ]
//! Segments  = Segment { "/" Segment }
//! Segment   = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
//! FieldPath = IDENT { "." IDENT }
//! ```
//! `**` may only be the last segment. Literals are not percent-encoded.

use std::{fmt, ops::Range};

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    verb: Option<String>,
}

/// What one segment of a path must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// `*`: any one segment.
    One,
    /// `**`: the rest of the path, which may be empty.
    Rest,
}

/// A field and the segments that it captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The dotted field path.
    pub field_path: String,
    /// The template's segments that are captured.
    pub segments: Range<usize>,
    /// Whether it can capture more than one path segment, so that `%2F` must stay encoded.
    pub is_multi_segment: bool,
}

/// Where a template does not follow the grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} at character {position}")]
pub struct TemplateError {
    /// The position of the character, counted from 1.
    pub position: usize,
    /// What is expected there.
    pub expected: &'static str,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// If the template does not follow the grammar.
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

    /// The segments, including those inside variables.
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
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where the parser is: a variable cannot contain another one.
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
                Err(self.error("a variable cannot contain another"))
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
            return Err(self.error("a field can be bound only once"));
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

#[cfg(test)]
mod tests {
    use super::{Segment::*, *};

    fn literal(text: &str) -> Segment {
        Literal(text.to_owned())
    }

    fn variable(field_path: &str, segments: Range<usize>, is_multi_segment: bool) -> Variable {
        Variable { field_path: field_path.to_owned(), segments, is_multi_segment }
    }

    #[test]
    fn every_form_of_the_grammar_is_read() {
        let cases = [
            ("/v1", vec![literal("v1")], vec![], None),
            ("/v1/*/x", vec![literal("v1"), One, literal("x")], vec![], None),
            ("/**", vec![Rest], vec![], None),
            ("/v1/{id}", vec![literal("v1"), One], vec![variable("id", 1..2, false)], None),
            ("/{a.b_2.c=*}", vec![One], vec![variable("a.b_2.c", 0..1, false)], None),
            ("/{a=x}/y", vec![literal("x"), literal("y")], vec![variable("a", 0..1, false)], None),
            ("/{a=x/*}/y", vec![literal("x"), One, literal("y")], vec![variable("a", 0..2, true)], None),
            ("/{a=**}:go", vec![Rest], vec![variable("a", 0..1, true)], Some("go")),
            (
                "/v1/{a}/{b=x/**}",
                vec![literal("v1"), One, literal("x"), Rest],
                vec![variable("a", 1..2, false), variable("b", 2..4, true)],
                None,
            ),
            ("/v1/a:b-c", vec![literal("v1"), literal("a")], vec![], Some("b-c")),
            ("/v1/{id}:go", vec![literal("v1"), One], vec![variable("id", 1..2, false)], Some("go")),
            ("/caffè/-_.~=", vec![literal("caffè"), literal("-_.~=")], vec![], None),
        ];
        for (text, segments, variables, verb) in cases {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.segments(), segments, "{text}");
            assert_eq!(template.variables(), variables, "{text}");
            assert_eq!(template.verb(), verb, "{text}");
            assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn the_error_of_a_wrong_template_has_the_position() {
        let cases = [
            ("", 1, "a template starts with `/`"),
            ("v1/x", 1, "a template starts with `/`"),
            ("/", 2, "expected a segment"),
            ("/v1/", 5, "expected a segment"),
            ("//v1", 2, "expected a segment"),
            ("/v1/{id", 8, "expected `}`"),
            ("/v1/{}", 6, "expected a field's name"),
            ("/v1/{a..b}", 8, "expected a field's name"),
            ("/v1/{a.}", 8, "expected a field's name"),
            ("/v1/{2a}", 6, "expected a field's name"),
            ("/v1/{a=}", 8, "expected a segment"),
            ("/v1/{a={b}}", 8, "a variable cannot contain another"),
            ("/v1/{a}/{a}", 9, "a field can be bound only once"),
            ("/**/x", 4, "`**` must be the last segment"),
            ("/{a=**}/x", 8, "`**` must be the last segment"),
            ("/{a=**/x}", 7, "`**` must be the last segment"),
            ("/***", 4, "expected the end"),
            ("/v1/a*", 6, "expected the end"),
            ("/v1/x{id}", 6, "expected the end"),
            ("/v1/{id}x", 9, "expected the end"),
            ("/v1/x:", 7, "a verb needs a name"),
            ("/v1/x:go/y", 9, "expected the end"),
            ("/v1/x:go:on", 9, "expected the end"),
            ("/v1/a%20b", 6, "expected the end"),
            ("/v1?x", 4, "expected the end"),
            ("/v1/a b", 6, "expected the end"),
            ("/è/}", 4, "expected a segment"),
        ];
        for (text, position, expected) in cases {
            let error = Template::parse(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
            assert!(error.expected.starts_with(expected), "{text}: {error}");
        }
    }
}
