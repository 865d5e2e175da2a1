//! A fake of Cloudflare's API on the loopback interface: one account that is empty at first, and the calls that wrangler makes
//! to deploy. It rejects what Cloudflare rejects, with the same codes.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::ensure;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    database,
    script::{Script, Upload},
};

/// The API token that it accepts.
pub(crate) const TOKEN: &str = "a-token-of-the-account";

/// The account's id.
pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// The running fake; stopped when dropped.
pub(crate) struct Cloudflare {
    pub(crate) url: String,
    account: Arc<Mutex<Account>>,
    server: JoinHandle<()>,
}

/// Why a call is rejected: status, code and message.
pub(crate) type Rejection = (u16, u64, String);

/// What the account has.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) databases: Vec<Database>,
    pub(crate) buckets: Vec<String>,
    pub(crate) scripts: BTreeMap<String, Script>,
    /// The account's subdomain of `workers.dev`.
    pub(crate) subdomain: Option<String>,
    /// The calls that changed something, for example `POST /r2/buckets`.
    pub(crate) changes: Vec<String>,
    /// A call to reject: its method, the end of its path, and the rejection.
    pub(crate) broken: Option<(&'static str, &'static str, Rejection)>,
    /// Whether the deployed gateway responds 503 to health checks.
    pub(crate) unhealthy: bool,
}

/// A D1 database.
pub(crate) struct Database {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) connection: rusqlite::Connection,
}

struct Call {
    method: Method,
    /// The path below the account's path.
    path: String,
    content_type: String,
    body: Bytes,
}

impl Cloudflare {
    /// Starts the fake with an empty account.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Arc::<Mutex<Account>>::default();
        let server = tokio::spawn(serve(listener, account.clone()));
        Ok(Self { url, account, server })
    }

    /// The account as it is now.
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cloudflare {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, account: Arc<Mutex<Account>>) {
    while let Ok((connection, _)) = listener.accept().await {
        let account = account.clone();
        tokio::spawn(async move {
            let respond = service_fn(move |request| respond(request, account.clone()));
            let server = auto::Builder::new(TokioExecutor::new());
            drop(server.serve_connection(TokioIo::new(connection), respond).await);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    account: Arc<Mutex<Account>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match process(request, &account).await {
        Ok((status, body)) => (status, body),
        Err((status, code, message)) => {
            let errors = json!([{"code": code, "message": message}]);
            (status, json!({"success": false, "errors": errors, "messages": [], "result": null}))
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn process(request: Request<Incoming>, account: &Mutex<Account>) -> Result<(u16, Value), Rejection> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| (400, 0, error.to_string()))?.to_bytes();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = head.uri.path();
    let Some(path) = path.strip_prefix("/client/v4") else {
        let account = account.lock().unwrap_or_else(PoisonError::into_inner);
        return Ok(account.visit(path));
    };
    if header("authorization") != format!("Bearer {TOKEN}") {
        return Err((401, 1000, "Invalid API Token".to_owned()));
    }
    let path = path.strip_prefix(&format!("/accounts/{ACCOUNT}")).unwrap_or(path).to_owned();
    let call =
        Call { method: head.method.clone(), path, content_type: header("content-type").to_owned(), body };
    let upload = Upload::read(&call.content_type, &call.body).await;
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((method, end, rejection)) = &account.broken
        && call.method == *method
        && call.path.ends_with(end)
    {
        return Err(rejection.clone());
    }
    let result = account.call(&call, upload)?;
    if call.method != Method::GET {
        account.changes.push(format!("{} {}", call.method, call.path));
    }
    Ok((
        200,
        json!({"success": true, "errors": [], "messages": [], "result": result, "result_info": {"page": 1}}),
    ))
}

impl Account {
    fn call(&mut self, call: &Call, upload: Option<Upload>) -> Result<Value, Rejection> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let parts: Vec<_> = call.path.split('/').skip(1).collect();
        match (call.method.as_str(), &parts[..]) {
            ("GET", ["user", "tokens", "verify"]) => Ok(json!({"id": "t", "status": "active"})),
            ("GET", ["user"]) => Ok(json!({"id": "u", "email": "operator@example.com"})),
            ("GET", ["accounts"]) => Ok(json!([{"id": ACCOUNT, "name": "Example"}])),
            ("GET", ["memberships"]) => {
                Ok(json!([{"id": "m", "account": {"id": ACCOUNT, "name": "Example"}}]))
            }
            ("GET", ["d1", "database"]) => {
                let all =
                    self.databases.iter().map(|database| json!({"uuid": database.id, "name": database.name}));
                Ok(all.collect())
            }
            ("POST", ["d1", "database"]) => self.create_database(&body),
            ("POST", ["d1", "database", id, "query"]) => match self.database(id) {
                Some(database) => database::query(&mut database.connection, &body),
                None => Err((404, 7404, format!("The database {id} could not be found"))),
            },
            ("POST", ["r2", "buckets"]) => self.create_bucket(&body),
            ("GET", ["r2", "buckets", name]) => match self.buckets.iter().any(|bucket| bucket == name) {
                true => Ok(json!({"name": name, "creation_date": "2026-11-01T00:00:00Z"})),
                false => Err((404, 10006, "The specified bucket does not exist.".to_owned())),
            },
            ("GET", ["workers", "subdomain"]) => match &self.subdomain {
                Some(subdomain) => Ok(json!({"subdomain": subdomain})),
                None => Err((404, 10007, "You do not have a workers.dev subdomain.".to_owned())),
            },
            ("PUT", ["workers", "scripts", name]) => self.upload(name, upload),
            ("GET", ["workers", "services", name] | ["workers", "workers", name])
            | (_, ["workers", "scripts", name, ..]) => {
                if !self.scripts.contains_key(*name) {
                    return Err((404, 10007, "This Worker does not exist on your account.".to_owned()));
                }
                match (call.method.as_str(), &parts[1..]) {
                    ("POST", ["scripts", name, "versions"]) => self.upload(name, upload),
                    (method, rest) => self.script(method, rest, body),
                }
            }
            _ => Err((404, 7003, format!("No route for {} {}", call.method, call.path))),
        }
    }

    fn database(&mut self, id: &str) -> Option<&mut Database> {
        self.databases.iter_mut().find(|database| database.id == id)
    }

    fn create_database(&mut self, body: &Value) -> Result<Value, Rejection> {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if self.databases.iter().any(|database| database.name == name) {
            return Err((400, 7502, format!("Database with name {name} already exists")));
        }
        let id = format!("{:08}-0000-4000-8000-000000000000", self.databases.len() + 1);
        let connection =
            rusqlite::Connection::open_in_memory().map_err(|error| (500, 7500, error.to_string()))?;
        self.databases.push(Database { id: id.clone(), name: name.clone(), connection });
        Ok(json!({"uuid": id, "name": name}))
    }

    fn create_bucket(&mut self, body: &Value) -> Result<Value, Rejection> {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if self.buckets.contains(&name) {
            return Err((
                409,
                10004,
                "The bucket you tried to create already exists, and you own it.".to_owned(),
            ));
        }
        self.buckets.push(name.clone());
        Ok(json!({"name": name}))
    }

    /// Uploads a Worker, if everything to which it is bound exists.
    fn upload(&mut self, name: &str, upload: Option<Upload>) -> Result<Value, Rejection> {
        let upload = upload.ok_or((400, 10021, "No metadata".to_owned()))?;
        upload.check(self, self.scripts.get(name))?;
        let script = self.scripts.entry(name.to_owned()).or_default();
        script.deploy(upload);
        let id = format!("{:08}-0000-4000-8000-000000000000", script.versions);
        Ok(json!({
            "id": id, "deployment_id": id.replace('-', ""), "startup_time_ms": 1, "etag": "e",
            "resources": {"script": {"etag": "e"}},
        }))
    }

    fn script(&mut self, method: &str, parts: &[&str], body: Value) -> Result<Value, Rejection> {
        let name = parts.get(1).copied().unwrap_or_default();
        let Some(script) = self.scripts.get_mut(name) else { return Ok(Value::Null) };
        match (method, parts) {
            ("GET", ["services", _]) => Ok(json!({"id": name, "default_environment": {
                "environment": "production", "script": {"tag": "t", "last_deployed_from": "wrangler"}
            }})),
            ("GET", ["workers", _]) => {
                Ok(json!({"name": name, "subdomain": {"enabled": script.public, "previews_enabled": false}}))
            }
            ("GET", [.., "secrets"]) => {
                Ok(script.secrets.keys().map(|name| json!({"name": name, "type": "secret_text"})).collect())
            }
            ("GET", [.., "deployments"]) => Ok(json!({"deployments": [{
                "id": "d", "source": "wrangler", "strategy": "percentage", "author_email": "operator@example.com",
                "created_on": "2026-11-01T00:00:00Z", "versions": [{"version_id": "v", "percentage": 100}]
            }]})),
            ("GET", [.., "settings"]) => Ok(json!({"bindings": script.bindings, "tags": []})),
            ("POST", [.., "deployments"]) | ("PATCH", [.., "script-settings"]) => Ok(json!({"id": "d"})),
            ("POST", [.., "subdomain"]) => {
                script.public = body["enabled"] == true;
                Ok(body)
            }
            ("PUT", [.., "schedules"]) => {
                script.schedules = body.clone();
                Ok(json!({"schedules": body}))
            }
            _ => Err((404, 7003, format!("No route for {method} {parts:?}"))),
        }
    }

    /// The response of the deployed gateway.
    fn visit(&self, path: &str) -> (u16, Value) {
        let gateway = self.scripts.get("reticle").filter(|script| script.public);
        match (gateway, path) {
            (None, _) => (404, json!({"error": "There is nothing here yet"})),
            (Some(_), "/health" | "/readyz") if !self.unhealthy => (200, json!({"status": "ok"})),
            (Some(_), "/health" | "/readyz") => (503, json!({"status": "not ready"})),
            (Some(_), _) => (404, json!({"error": "not found"})),
        }
    }

    /// The names of the database's tables.
    pub(crate) fn tables(&self) -> anyhow::Result<Vec<String>> {
        ensure!(self.databases.len() == 1, "{} databases", self.databases.len());
        let connection = &self.databases[0].connection;
        let mut tables =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
        let tables = tables.query_map([], |row| row.get(0))?;
        Ok(tables.collect::<Result<_, _>>()?)
    }
}
