//! The steps of a deployment, in order. Each run, also one after a failure, starts with the first step. Existing resources and
//! applied migrations do not change; the Workers are uploaded again.

use std::{ffi::OsString, path::Path, time::Duration};

use anyhow::{Context as _, bail};

use super::{
    Options, account, configuration::Configuration, health, secrets::SecretValues, state::State,
    wrangler::Wrangler,
};
use crate::workers::{
    DATABASE, Worker,
    build::build,
    secrets::{self, BRIDGE, JWT_SECRET, Secrets},
    tools,
};

/// Cloudflare's error codes when a bucket, database or Worker to which a new Worker is bound is not found. A resource that
/// was just created may be unknown for a few seconds.
const NOT_FOUND_YET: [u64; 3] = [10085, 10181, 10144];

/// How often a Worker is uploaded before its bindings count as missing, and the time between two uploads.
const UPLOADS: u32 = 6;
const UPLOAD_PAUSE: Duration = Duration::from_secs(4);

/// The variable with the public URL of the deployment, if it is not the address that Cloudflare assigns.
const PUBLIC_URL: &str = "RETICLE_PUBLIC_URL";

/// Creates the database and the bucket if they are missing, applies the migrations, deploys the Workers (each after those that
/// it calls), and waits until they respond.
pub(super) fn ship(options: &Options, workers: &[Worker]) -> anyhow::Result<()> {
    let tools = tools::install()?;
    let mut state = State::open(&options.state)?;
    let configurations: Vec<_> =
        workers.iter().copied().map(Configuration::read).collect::<anyhow::Result<_>>()?;
    state
        .remember_variables(&configurations.iter().flat_map(Configuration::variables).collect::<Vec<_>>())?;
    let mut wrangler = Wrangler::new(&tools, &state.folder);
    account::sign_in(&mut wrangler, &mut state)?;
    account::database(&wrangler, &mut state, options.location.as_deref())?;
    if configurations.iter().any(Configuration::needs_bucket) {
        account::bucket(&wrangler, options.location.as_deref())?;
    }
    let kept = Secrets::of(&state.folder);
    let secrets = SecretValues::resolve(&kept, &wrangler, &configurations, options.new_secrets)?;
    if !options.no_build {
        build(&tools, workers)?;
    }
    let assigned = deploy(&wrangler, &configurations, &secrets, &state)?;
    if options.bridge {
        println!("\n{}", bridge_greeting(assigned.as_deref(), secrets.get(BRIDGE)));
        return Ok(());
    }
    let url = state.variable(PUBLIC_URL).map(str::to_owned).or(assigned);
    let url =
        url.with_context(|| format!("The Workers are deployed, but have no address. Set {PUBLIC_URL}."))?;
    health::wait(&url, Duration::from_secs(options.wait))?;
    println!("\n{}", greeting(&url, &secrets, &state)?);
    Ok(())
}

/// Applies the migrations and uploads the Workers. Returns the address of the last one, the public one, if it has an address.
fn deploy(
    wrangler: &Wrangler<'_>,
    configurations: &[Configuration],
    secrets: &SecretValues,
    state: &State,
) -> anyhow::Result<Option<String>> {
    let mut url = None;
    for (position, configuration) in configurations.iter().enumerate() {
        let path = configuration.write(state)?;
        if position == 0 {
            eprintln!("== migrations");
            let path = path.to_string_lossy();
            let migrate = ["d1", "migrations", "apply", DATABASE, "--remote", "--config", &path];
            wrangler.run(&migrate)?.context("The migrations failed")?;
        }
        eprintln!("== deploy {}", configuration.name());
        url = upload(wrangler, configuration, &path, secrets, &state.folder)?;
    }
    Ok(url)
}

/// Uploads a Worker with its secrets. Returns its address.
fn upload(
    wrangler: &Wrangler<'_>,
    configuration: &Configuration,
    path: &Path,
    secrets: &SecretValues,
    folder: &Path,
) -> anyhow::Result<Option<String>> {
    let secrets = secrets.write(configuration, folder)?;
    let deploy: [OsString; 5] =
        ["deploy".into(), "--config".into(), path.into(), "--secrets-file".into(), secrets.as_ref().into()];
    for left in (0..UPLOADS).rev() {
        match wrangler.run(&deploy)? {
            Ok(()) => {
                return Ok(wrangler.targets()?.into_iter().find(|target| target.starts_with("https://")));
            }
            Err(rejected) if left > 0 && rejected.code.is_some_and(|code| NOT_FOUND_YET.contains(&code)) => {
                eprintln!("== retry: deploy {} in {} s", configuration.name(), UPLOAD_PAUSE.as_secs());
                health::pause(UPLOAD_PAUSE);
            }
            Err(rejected) => {
                return Err(rejected).with_context(|| format!("Cannot deploy {}", configuration.name()));
            }
        }
    }
    bail!("Cannot deploy {}", configuration.name())
}

fn greeting(url: &str, secrets: &SecretValues, state: &State) -> anyhow::Result<String> {
    let Some(secret) = secrets.get(JWT_SECRET) else {
        return Ok(format!(
            "Reticle is deployed: {url}

The account's {JWT_SECRET} did not change, and its value is not known on this machine. `reticle token` makes a token with it."
        ));
    };
    let token =
        secrets::token(secret, state.variable("RETICLE_JWT_ISSUER"), state.variable("RETICLE_JWT_AUDIENCE"))?;
    Ok(format!(
        "Reticle is deployed: {url}

  export TOKEN={token}
  curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg {url}/api/images/upload"
    ))
}

/// The bridge has only the address that Cloudflare assigns: [`PUBLIC_URL`] is the gateway's, which may be deployed from the
/// same state folder. A route to the bridge is known only to its operator.
fn bridge_greeting(url: Option<&str>, secret: Option<&str>) -> String {
    let url = url.unwrap_or("https://…   # the bridge's route: it has no address at workers.dev");
    format!(
        "The D1 bridge is deployed: {url}

  export {BRIDGE}={}
  cargo run --release -- serve --database-url d1+{url}",
        secret.unwrap_or("…   # did not change; its value is not known on this machine")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_of_a_bridge_has_the_bridge_s_own_address() {
        let greeting = bridge_greeting(Some("https://reticle-bridge.example.workers.dev"), Some("secret"));
        assert!(
            greeting.starts_with("The D1 bridge is deployed: https://reticle-bridge.example.workers.dev\n")
        );
        assert!(
            greeting.ends_with("--database-url d1+https://reticle-bridge.example.workers.dev"),
            "{greeting}"
        );
        assert!(bridge_greeting(None, None).contains("the bridge's route"));
    }
}
