//! Workers on the account, and the checks of an upload.

use std::collections::BTreeMap;

use futures_util::stream;
use hyper::body::Bytes;
use serde_json::Value;

use crate::cloudflare::{Account, Rejection};

/// A Worker on the account.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) versions: u32,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) bindings: Vec<Value>,
    /// Whether it has an address at `workers.dev`.
    pub(crate) public: bool,
    pub(crate) schedules: Value,
}

/// An uploaded version: its metadata, and the names of its modules.
pub(crate) struct Upload {
    metadata: Value,
    modules: Vec<String>,
}

impl Upload {
    /// Reads a form. Returns `None` if the body is not a form.
    pub(crate) async fn read(content_type: &str, body: &Bytes) -> Option<Self> {
        let boundary = multer::parse_boundary(content_type).ok()?;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(body.clone())]);
        let mut form = multer::Multipart::new(body, boundary);
        let mut upload = Self { metadata: Value::Null, modules: Vec::new() };
        while let Ok(Some(field)) = form.next_field().await {
            match field.name() {
                Some("metadata") => upload.metadata = serde_json::from_str(&field.text().await.ok()?).ok()?,
                Some(module) => upload.modules.push(module.to_owned()),
                None => {}
            }
        }
        Some(upload)
    }

    /// Rejects the upload if its code or anything to which it is bound is missing.
    pub(crate) fn check(&self, account: &Account, before: Option<&Script>) -> Result<(), Rejection> {
        let main = self.metadata["main_module"].as_str().unwrap_or_default();
        if !self.modules.iter().any(|module| module == main) {
            return Err((400, 10021, format!("No such module \"{main}\"")));
        }
        for binding in self.bindings() {
            let text = |name: &str| binding[name].as_str().unwrap_or_default();
            let name = text("name");
            match text("type") {
                "d1" if !account.databases.iter().any(|database| database.id == text("id")) => {
                    return Err((
                        400,
                        10181,
                        format!("D1 binding '{name}' references a database that was not found"),
                    ));
                }
                "r2_bucket" if !account.buckets.iter().any(|bucket| bucket == text("bucket_name")) => {
                    return Err((400, 10085, format!("R2 bucket '{}' not found", text("bucket_name"))));
                }
                "service" if !account.scripts.contains_key(text("service")) => {
                    return Err((
                        400,
                        10144,
                        format!("Service binding '{name}' references a Worker that was not found"),
                    ));
                }
                "inherit" if before.is_none_or(|script| !script.secrets.contains_key(name)) => {
                    return Err((
                        400,
                        10057,
                        format!("inherit binding '{name}' is invalid: there is none to inherit"),
                    ));
                }
                "d1" | "r2_bucket" | "service" | "inherit" | "secret_text" | "plain_text" => {}
                other => return Err((400, 10021, format!("A binding of type {other} is unknown here"))),
            }
        }
        Ok(())
    }

    fn bindings(&self) -> &[Value] {
        self.metadata["bindings"].as_array().map_or(&[], Vec::as_slice)
    }
}

impl Script {
    /// Deploys `upload`. Secrets that it does not name are kept.
    pub(crate) fn deploy(&mut self, upload: Upload) {
        self.versions += 1;
        for binding in upload.bindings().iter().filter(|binding| binding["type"] == "secret_text") {
            let text = |name: &str| binding[name].as_str().unwrap_or_default().to_owned();
            self.secrets.insert(text("name"), text("text"));
        }
        self.bindings = upload.bindings().to_vec();
    }
}
