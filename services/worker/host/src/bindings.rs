//! The environment of a Worker: typed access to bindings and variables.

use std::{fmt::Display, str::FromStr};

use http::Uri;
use worker::{
    Bucket, Env, EnvBinding, Fetcher, RateLimiter, Var, d1::D1Database, js_sys::Reflect,
    wasm_bindgen::JsValue,
};

/// A binding or variable that is missing or invalid; the message names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct Misconfigured {
    name: &'static str,
    problem: String,
}

impl Misconfigured {
    /// The setting `name` has this `problem`; the message is the name followed by the problem.
    pub fn new(name: &'static str, problem: impl Display) -> Self {
        Self { name, problem: problem.to_string() }
    }
}

/// The bindings and variables of a Worker. A variable that is empty counts as absent.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a>(&'a Env);

impl<'a> Bindings<'a> {
    /// The bindings of `env`.
    #[must_use]
    pub const fn new(env: &'a Env) -> Self {
        Self(env)
    }

    /// A D1 database.
    ///
    /// # Errors
    /// If it is missing, or has another type.
    pub fn database(self, name: &'static str) -> Result<D1Database, Misconfigured> {
        self.required(name, "a D1 database (d1_databases)")
    }

    /// An R2 bucket.
    ///
    /// # Errors
    /// If it is missing, or has another type.
    pub fn bucket(self, name: &'static str) -> Result<Bucket, Misconfigured> {
        self.required(name, "an R2 bucket (r2_buckets)")
    }

    /// Another Worker, if it is bound.
    ///
    /// # Errors
    /// If it has another type.
    pub fn service(self, name: &'static str) -> Result<Option<Fetcher>, Misconfigured> {
        self.optional(name, "a service (services)")
    }

    /// A rate limit, if it is bound.
    ///
    /// # Errors
    /// If it has another type.
    pub fn rate_limit(self, name: &'static str) -> Result<Option<RateLimiter>, Misconfigured> {
        self.optional(name, "a rate limit (ratelimits)")
    }

    /// A variable or secret, if it is set.
    ///
    /// # Errors
    /// If it is not text.
    pub fn text(self, name: &'static str) -> Result<Option<String>, Misconfigured> {
        let text: Option<Var> = self.optional(name, "a text (vars, or wrangler secret put)")?;
        Ok(text.map(|text| text.to_string()).filter(|text| !text.is_empty()))
    }

    /// A variable or secret.
    ///
    /// # Errors
    /// If it is missing, or not text.
    pub fn required_text(self, name: &'static str) -> Result<String, Misconfigured> {
        let missing = "is missing: set it with `wrangler secret put`, or in `.dev.vars`";
        self.text(name)?.ok_or_else(|| Misconfigured::new(name, missing))
    }

    /// Parses a variable, for example as a number, if it is set. `rule` follows the name in the error message.
    ///
    /// # Errors
    /// If it does not match `rule`.
    pub fn parsed<T: FromStr>(self, name: &'static str, rule: &str) -> Result<Option<T>, Misconfigured> {
        let wrong = |text| Misconfigured::new(name, format_args!("{rule}, not `{text}`"));
        self.text(name)?.map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// A variable that is an http or https origin, as in `https://images.example.com`, if it is set.
    ///
    /// # Errors
    /// If it is not an origin.
    pub fn origin(self, name: &'static str) -> Result<Option<Uri>, Misconfigured> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong = || Misconfigured::new(name, format_args!("must be https://HOST, not `{text}`"));
        parse_origin(&text).map(Some).ok_or_else(wrong)
    }

    /// `RETICLE_MAX_UPLOAD_BYTES`: the maximum size of an image, in bytes.
    ///
    /// # Errors
    /// If it is not a positive number.
    pub fn max_upload_bytes(self) -> Result<Option<i32>, Misconfigured> {
        let rule = format!("must be a number of bytes from 1 to {}", i32::MAX);
        let bytes = self.parsed("RETICLE_MAX_UPLOAD_BYTES", &rule)?;
        match bytes {
            Some(bytes) if bytes < 1 => Err(Misconfigured::new("RETICLE_MAX_UPLOAD_BYTES", rule)),
            bytes => Ok(bytes),
        }
    }

    fn required<T: EnvBinding>(self, name: &'static str, kind: &str) -> Result<T, Misconfigured> {
        let missing = || Misconfigured::new(name, format_args!("is missing: bind {kind} with this name"));
        self.optional(name, kind)?.ok_or_else(missing)
    }

    fn optional<T: EnvBinding>(self, name: &'static str, kind: &str) -> Result<Option<T>, Misconfigured> {
        let bound = Reflect::get(self.0, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
        if bound.is_undefined() || bound.is_null() {
            return Ok(None);
        }
        let wrong = |_| Misconfigured::new(name, format_args!("must be {kind}"));
        self.0.get_binding(name).map(Some).map_err(wrong)
    }
}

/// Parses an http or https origin, without a path.
fn parse_origin(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim_end_matches('/').parse().ok()?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https")) && matches!(uri.path(), "" | "/");
    (is_origin && uri.authority().is_some() && uri.query().is_none()).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_only_a_scheme_and_a_host() {
        for good in ["https://images.example.com", "http://127.0.0.1:50051/"] {
            assert!(parse_origin(good).is_some(), "{good}");
        }
        for wrong in ["", "images.example.com", "ftp://a", "https://a/b", "https://a?b", "https://"] {
            assert!(parse_origin(wrong).is_none(), "{wrong}");
        }
    }
}
