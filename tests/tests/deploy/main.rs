//! `cargo xtask deploy`, with the pinned wrangler and the built Workers, on an empty account.

#![expect(clippy::disallowed_methods, reason = "tests start tasks and read their environment")]
#![expect(clippy::indexing_slicing, reason = "a response that lacks a field fails its test")]

mod cloudflare;
mod database;
mod script;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::cloudflare::{ACCOUNT, Cloudflare, TOKEN};

const WORKERS: [&str; 3] = ["reticle-images", "reticle-annotations", "reticle"];

/// The result of the command.
#[derive(Debug)]
struct Outcome {
    success: bool,
    stdout: String,
    stderr: String,
}

/// Runs `cargo xtask deploy` for an account, with a state folder.
struct Operator<'a> {
    cloudflare: &'a Cloudflare,
    state: TempDir,
}

impl<'a> Operator<'a> {
    fn new(cloudflare: &'a Cloudflare) -> anyhow::Result<Self> {
        Ok(Self { cloudflare, state: tempfile::tempdir()? })
    }

    async fn deploy(&self) -> anyhow::Result<Outcome> {
        self.deploy_with(&[], &[("CLOUDFLARE_API_TOKEN", TOKEN)]).await
    }

    async fn deploy_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Outcome> {
        let mut command = Command::new(env!("CARGO"));
        command.args(["xtask", "deploy", "--no-build", "--wait", "0", "--state"]).arg(self.state.path());
        command.args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CLOUDFLARE_")) {
            command.env_remove(name);
        }
        command.env("CLOUDFLARE_API_BASE_URL", format!("{}/client/v4", self.cloudflare.url));
        // Without the user's login, and without questions.
        command.env("XDG_CONFIG_HOME", self.state.path().join("config")).env("CI", "1").stdin(Stdio::null());
        command.env("RETICLE_PUBLIC_URL", &self.cloudflare.url).envs(variables.iter().copied());
        let output = command.output().await.context("cargo xtask deploy")?;
        Ok(Outcome {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.state.path().join(name)
    }
}

/// Given an empty account, when it is deployed to, then it has a migrated database, a bucket and the three Workers with the
/// same secret, and the printed token is valid; and the next run creates nothing again.
#[tokio::test(flavor = "multi_thread")]
async fn one_command_deploys_to_an_empty_account() -> anyhow::Result<()> {
    let cloudflare = Cloudflare::start().await?;
    cloudflare.account().subdomain = Some("example".to_owned());
    let operator = Operator::new(&cloudflare)?;
    let committed = committed()?;

    let first = operator.deploy().await?;
    ensure!(first.success, "{first:#?}");
    let secret = require_complete(&cloudflare)?;
    let token =
        first.stdout.split_once("TOKEN=").and_then(|(_, rest)| rest.lines().next()).context("no token")?;
    let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
    let validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation)?.claims;
    ensure!(claims["sub"] == "you", "{claims}");
    let curl = format!("curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg {}/api", cloudflare.url);
    ensure!(first.stdout.contains(&curl), "{}", first.stdout);
    for file in ["jwt-secret", "url-key", "deployment.json"] {
        let mode = fs::metadata(operator.file(file))?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{file} has mode {mode:o}");
    }
    ensure!(!operator.file("reticle-images.secrets").exists(), "the file of secrets was not removed");
    ensure!(committed == self::committed()?, "a committed configuration was edited");
    let configured = cloudflare.account().scripts["reticle-images"].bindings.clone();
    ensure!(
        configured
            .contains(&json!({"name": "RETICLE_PUBLIC_URL", "type": "plain_text", "text": cloudflare.url})),
        "{configured:?}"
    );

    cloudflare.account().changes.clear();
    let second = operator.deploy().await?;
    ensure!(second.success, "{second:#?}");
    ensure!(secret == require_complete(&cloudflare)?, "the secret was replaced");
    let account = cloudflare.account();
    let created =
        account.changes.iter().filter(|call| call.starts_with("PUT") && !call.ends_with("/schedules"));
    ensure!(created.count() == 0, "{:?}", account.changes);
    ensure!(
        account.scripts.values().all(|script| script.versions == 2),
        "not every Worker was deployed again"
    );
    Ok(())
}

/// Given a deployment that fails at one step after another, when the cause is removed and the command runs again, then it
/// gets further each time, and in the end completes.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_completes_after_a_failure_at_any_step() -> anyhow::Result<()> {
    let cloudflare = Cloudflare::start().await?;
    let operator = Operator::new(&cloudflare)?;
    let denied = || (403, 10000, "Authentication error".to_owned());
    let no_r2 = (403, 10042, "Please enable R2 through the Cloudflare Dashboard.".to_owned());
    let failures = [
        ("POST", "/d1/database", denied(), "Authentication error"),
        ("POST", "/r2/buckets", no_r2, "Please enable R2"),
        ("POST", "/query", denied(), "migrations"),
        ("PUT", "/scripts/reticle-images", denied(), "reticle-images"),
        ("PUT", "/scripts/reticle-annotations", denied(), "reticle-annotations"),
        ("PUT", "/scripts/reticle-images/schedules", denied(), "reticle-images"),
    ];
    for (method, end, rejection, expected) in failures {
        cloudflare.account().broken = Some((method, end, rejection));
        let failed = operator.deploy().await?;
        ensure!(!failed.success && failed.stderr.contains(expected), "{method} {end}: {failed:#?}");
        ensure!(!failed.stdout.contains("TOKEN="), "{failed:#?}");
    }
    cloudflare.account().broken = None;
    let no_subdomain = operator.deploy().await?;
    ensure!(
        !no_subdomain.success && no_subdomain.stderr.contains("/workers/onboarding"),
        "{no_subdomain:#?}"
    );
    cloudflare.account().subdomain = Some("example".to_owned());
    cloudflare.account().unhealthy = true;
    let unhealthy = operator.deploy().await?;
    ensure!(!unhealthy.success && unhealthy.stderr.contains("status 503"), "{unhealthy:#?}");
    cloudflare.account().unhealthy = false;
    let completed = operator.deploy().await?;
    ensure!(completed.success && completed.stdout.contains("TOKEN="), "{completed:#?}");
    require_complete(&cloudflare)?;
    Ok(())
}

/// Given a deployment whose state folder is lost, when it is deployed from a new folder, then the account keeps its secrets;
/// and when a Worker is missing, then secrets are replaced only with `--new-secrets`.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_on_the_account_are_replaced_only_on_request() -> anyhow::Result<()> {
    let cloudflare = Cloudflare::start().await?;
    cloudflare.account().subdomain = Some("example".to_owned());
    ensure!(Operator::new(&cloudflare)?.deploy().await?.success, "the first deployment failed");
    let secret = require_complete(&cloudflare)?;

    let elsewhere = Operator::new(&cloudflare)?;
    let kept = elsewhere.deploy().await?;
    ensure!(
        kept.success && !kept.stdout.contains("TOKEN=") && kept.stdout.contains(&cloudflare.url),
        "{kept:#?}"
    );
    ensure!(secret == require_complete(&cloudflare)?, "the secret was replaced");

    let token = ("CLOUDFLARE_API_TOKEN", TOKEN);
    for short in ["", "short"] {
        let rejected = elsewhere.deploy_with(&[], &[token, ("RETICLE_JWT_SECRET", short)]).await?;
        let expected = format!("RETICLE_JWT_SECRET: the secret has {} bytes", short.len());
        ensure!(!rejected.success && rejected.stderr.contains(&expected), "{rejected:#?}");
        ensure!(secret == require_complete(&cloudflare)?, "the secret was replaced by a short one");
    }

    cloudflare.account().scripts.remove("reticle");
    let undecided = elsewhere.deploy().await?;
    ensure!(!undecided.success && undecided.stderr.contains("--new-secrets"), "{undecided:#?}");
    let replaced = elsewhere.deploy_with(&["--new-secrets"], &[token]).await?;
    ensure!(replaced.success && replaced.stdout.contains("TOKEN="), "{replaced:#?}");
    ensure!(secret != require_complete(&cloudflare)?, "the secret is the old one");
    Ok(())
}

/// Given a deployment of the Workers with a public URL, when the bridge is deployed from the same state folder, then its own
/// address is printed.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_deployed_bridge_is_its_own() -> anyhow::Result<()> {
    let cloudflare = Cloudflare::start().await?;
    cloudflare.account().subdomain = Some("example".to_owned());
    let operator = Operator::new(&cloudflare)?;
    ensure!(operator.deploy().await?.success, "the Workers were not deployed");
    let bridge = operator.deploy_with(&["--bridge"], &[("CLOUDFLARE_API_TOKEN", TOKEN)]).await?;
    let address = "d1+https://reticle-bridge.example.workers.dev";
    ensure!(bridge.success && bridge.stdout.contains(address), "{bridge:#?}");
    ensure!(!bridge.stdout.contains(&cloudflare.url), "{bridge:#?}");
    Ok(())
}

/// Given no login, an invalid one, and a missing database, when it is deployed, then each error says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_error_says_what_to_do() -> anyhow::Result<()> {
    let cloudflare = Cloudflare::start().await?;
    let operator = Operator::new(&cloudflare)?;
    let signed_out = operator.deploy_with(&[], &[]).await?;
    ensure!(!signed_out.success && signed_out.stderr.contains("Set CLOUDFLARE_API_TOKEN"), "{signed_out:#?}");
    let wrong = operator.deploy_with(&[], &[("CLOUDFLARE_API_TOKEN", "wrong")]).await?;
    ensure!(!wrong.success && wrong.stderr.contains("Invalid API Token"), "{wrong:#?}");
    let deployment = json!({"account_id": ACCOUNT, "database_id": "gone"});
    fs::write(operator.file("deployment.json"), deployment.to_string())?;
    let gone = operator.deploy().await?;
    ensure!(!gone.success && gone.stderr.contains("no longer has the database gone"), "{gone:#?}");
    ensure!(cloudflare.account().changes.is_empty(), "{:?}", cloudflare.account().changes);
    Ok(())
}

/// Requires that the account has a complete deployment. Returns the secret of its tokens.
fn require_complete(cloudflare: &Cloudflare) -> anyhow::Result<String> {
    let account = cloudflare.account();
    let tables = account.tables()?;
    ensure!(
        ["annotations", "d1_migrations", "images"].iter().all(|name| tables.iter().any(|t| t == name)),
        "{tables:?}"
    );
    ensure!(account.buckets == ["reticle"], "{:?}", account.buckets);
    let scripts: Vec<_> = WORKERS.iter().filter_map(|name| account.scripts.get(*name)).collect();
    ensure!(scripts.len() == WORKERS.len(), "{:?}", account.scripts.keys());
    let secrets: Vec<_> =
        scripts.iter().filter_map(|script| script.secrets.get("RETICLE_JWT_SECRET")).collect();
    ensure!(
        secrets.len() == WORKERS.len() && secrets.iter().all(|secret| *secret == secrets[0]),
        "unequal secrets"
    );
    ensure!(scripts[0].secrets.contains_key("RETICLE_URL_KEY") && scripts[2].secrets.len() == 1, "URL keys");
    ensure!(scripts[0].schedules[0]["cron"] == "0 3 * * *", "{}", scripts[0].schedules);
    let public: Vec<_> = scripts.iter().map(|script| script.public).collect();
    ensure!(public == [false, false, true], "{public:?}");
    Ok(secrets[0].clone())
}

/// The committed configurations.
fn committed() -> anyhow::Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["gateway/worker", "services/worker/images", "services/worker/annotations"];
    folders.iter().map(|folder| Ok(fs::read_to_string(root.join(folder).join("wrangler.jsonc"))?)).collect()
}
